/** Streams of a protocol that the peer has agreed to before: nothing waits for its yes, few messages are spent, and a no is told all the same. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { startTestMesh, type TestMesh } from '../support/test-mesh.ts'
import { waitUntil } from '../support/wait.ts'

const ECHO = '/x/eager-echo/1.0.0'

describe('a stream of a protocol that was agreed before', () => {
  const ids: string[] = []
  const count = { sent: 0, got: 0 }
  let a: TestMesh
  let b: TestMesh
  before(async () => {
    const open = (url: string) => {
      const socket = openNodeSocket(url)
      const send = socket.send.bind(socket)
      socket.addEventListener('message', () => void count.got++)
      return Object.assign(socket, {
        send(data: Uint8Array<ArrayBuffer>) {
          count.sent++
          send(data)
        },
      })
    }
    b = await startTestMesh(() => ids)
    a = await startTestMesh(() => ids, { transports: [createWebSocket({ open })] })
    ids.push(a.mesh.peer, b.mesh.peer)
    await a.mesh.connect(b.address)
    await b.mesh.handle(ECHO, (stream) => stream.readable.pipeTo(stream.writable))
    await request()
  })
  after(async () => {
    await a.close()
    await b.close()
  })

  const request = async () => {
    const stream = await a.mesh.open(b.mesh.peer, ECHO)
    await stream.writable.getWriter().write(new Uint8Array(32))
    const { value } = await stream.readable.getReader().read()
    assert.equal(value?.byteLength, 32)
    return stream
  }

  it('costs one frame there and one back: question and bytes, yes and bytes', async () => {
    const costs: string[] = []
    for (let i = 0; i < 5; i++) {
      const { sent, got } = count
      await request()
      costs.push(`${count.sent - sent} ${count.got - got}`)
    }
    // Pings of the link may come between.
    assert.ok(costs.includes('1 1'), costs.join(', '))
  })

  it('opens before the peer has said a word', async () => {
    const { got } = count
    const opened = await Promise.all(Array.from({ length: 20 }, () => a.mesh.open(b.mesh.peer, ECHO)))
    assert.equal(count.got, got)
    for (const stream of opened) stream.abort()
  })

  it('ends well both ways when both sides half-close', async () => {
    const stream = await a.mesh.open(b.mesh.peer, ECHO)
    await stream.writable.close()
    assert.equal((await stream.readable.getReader().read()).done, true)
    await stream.closed
  })

  it('fails with UNKNOWN_PROTOCOL at the first read when the handler is gone, and from then on when it is opened', async () => {
    const stop = new AbortController()
    await b.mesh.handle('/x/eager-short/1.0.0', (stream) => stream.readable.pipeTo(stream.writable), { signal: stop.signal })
    const first = await a.mesh.open(b.mesh.peer, '/x/eager-short/1.0.0')
    first.abort()
    stop.abort()
    await waitUntil(() => !b.mesh.handlers().some(([protocol]) => protocol === '/x/eager-short/1.0.0'), { what: 'the handler to go' })
    const stream = await a.mesh.open(b.mesh.peer, '/x/eager-short/1.0.0')
    await assert.rejects(stream.readable.getReader().read(), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
    await assert.rejects(stream.closed, (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
    await assert.rejects(a.mesh.open(b.mesh.peer, '/x/eager-short/1.0.0'), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
  })

  it('fails with ACCESS_DENIED at the first read when the policy denies it by now', async () => {
    const row = { id: 'test-deny', who: [`peer:${a.mesh.peer}`], may: ['stream.open'], to: [ECHO], effect: 'deny', label: 'test' } as const
    await b.mesh.policy.put(row)
    const stream = await a.mesh.open(b.mesh.peer, ECHO)
    await assert.rejects(stream.readable.getReader().read(), (error) => codeOf(error) === 'ACCESS_DENIED')
    await b.mesh.policy.remove(row.id)
    await request()
  })

  it('is metered like any other when the policy limits its bytes', async () => {
    const protocol = '/x/eager-metered/1.0.0'
    const row = { id: 'test-bytes', who: ['lobby'], may: ['stream.open'], to: [protocol], limits: { bytes: 1000 }, label: 'test' } as const
    await b.mesh.policy.put(row)
    await b.mesh.handle(protocol, (stream) => stream.readable.pipeTo(stream.writable), { allow: 'nobody' })
    const small = async () => {
      const stream = await a.mesh.open(b.mesh.peer, protocol)
      const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()]
      for (let i = 0; i < 20; i++) {
        await writer.write(new Uint8Array(100))
        await reader.read()
      }
    }
    for (let i = 0; i < 2; i++) await assert.rejects(small(), (error) => ['LIMIT_REACHED', 'STREAM_RESET'].includes(codeOf(error)))
    await b.mesh.policy.remove(row.id)
  })

  it('carries more bytes than a window', async () => {
    const stream = await a.mesh.open(b.mesh.peer, ECHO)
    const writer = stream.writable.getWriter()
    const sending = (async () => {
      for (let i = 0; i < 128; i++) await writer.write(new Uint8Array(64 * 1024))
      await writer.close()
    })()
    let bytes = 0
    for await (const chunk of stream.readable) bytes += chunk.byteLength
    await sending
    assert.equal(bytes, 8 * 1024 * 1024)
  })
})
