/** Two meshes over one WebSocket in this process: streams, refusals, messages, limits. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTwo } from '../support/test-mesh.ts'
import { waitForStandstill, waitUntil } from '../support/wait.ts'

describe('two meshes', () => {
  let two: Awaited<ReturnType<typeof startTwo>>
  before(async () => {
    two = await startTwo()
  })
  after(() => two.close())

  it('open() carries 1 MiB to an echo and back, half-close included', async () => {
    const { a, b } = two
    const stream = await a.mesh.open(b.mesh.peer, PROTOCOL.echo)
    assert.equal(stream.path, 'direct')
    const sent = randomBytes(1024 * 1024)
    const writer = stream.writable.getWriter()
    const sending = (async () => {
      for (let at = 0; at < sent.length; at += 65_536) await writer.write(sent.subarray(at, at + 65_536))
      await writer.close()
    })()
    const hash = createHash('sha256')
    for await (const chunk of stream.readable) hash.update(chunk)
    await sending
    await stream.closed
    assert.equal(hash.digest('hex'), createHash('sha256').update(sent).digest('hex'))
  })

  it('open() rejects with UNKNOWN_PROTOCOL when nobody handles it', async () => {
    await assert.rejects(two.a.mesh.open(two.b.mesh.peer, '/x/nothing/1.0.0'), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
  })

  it('open() of a handler for nobody fails with ACCESS_DENIED and the reason', async () => {
    await two.b.mesh.handle('/x/secret/1.0.0', (stream) => stream.abort(), { allow: 'nobody' })
    const reading = two.a.mesh.open(two.b.mesh.peer, '/x/secret/1.0.0').then((stream) => stream.readable.getReader().read())
    await assert.rejects(reading, (error) => codeOf(error) === 'ACCESS_DENIED')
  })

  it('handle() ends with its signal', async () => {
    const stop = new AbortController()
    await two.b.mesh.handle('/x/short/1.0.0', (stream) => stream.readable.pipeTo(stream.writable), { signal: stop.signal })
    const stream = await two.a.mesh.open(two.b.mesh.peer, '/x/short/1.0.0')
    stream.abort()
    stop.abort()
    await waitUntil(
      () =>
        two.a.mesh.open(two.b.mesh.peer, '/x/short/1.0.0').then(
          () => false,
          (error) => codeOf(error) === 'UNKNOWN_PROTOCOL',
        ),
      { ms: 2000, what: 'the handler to go' },
    )
  })

  it('send() delivers once, in order', async () => {
    const got: string[] = []
    two.b.mesh.addEventListener('message', ({ detail }) => got.push(new TextDecoder().decode(detail.data)))
    for (let i = 0; i < 20; i++) await two.a.mesh.send(two.b.mesh.peer, 'chat', `m${i}`)
    await waitUntil(() => got.length >= 20, { ms: 5000, what: '20 messages' })
    assert.deepEqual(
      got,
      Array.from({ length: 20 }, (_, i) => `m${i}`),
    )
    await waitUntil(() => two.a.mesh.state.messages.every(({ status }) => status === 'delivered'), { ms: 2000, what: 'receipts' })
  })

  it('ping() measures and the snapshot shows path, transport and RTT', async () => {
    assert.ok((await two.a.mesh.ping(two.b.mesh.peer)) > 0)
    const peer = await waitUntil(() => two.a.mesh.peers.find(({ id, rtt }) => id === two.b.mesh.peer && rtt !== undefined), {
      ms: 2000,
      what: 'an RTT',
    })
    assert.equal(peer.path, 'direct')
    assert.equal(peer.transport, 'websocket')
  })

  it('a reader that stands still pauses the writer', async () => {
    const held: ReadableStream<Uint8Array>[] = []
    await two.b.mesh.handle('/x/slow/1.0.0', async (stream) => {
      held.push(stream.readable)
    })
    const stream = await two.a.mesh.open(two.b.mesh.peer, '/x/slow/1.0.0')
    const writer = stream.writable.getWriter()
    let written = 0
    const chunk = new Uint8Array(65_536)
    const pump = (async () => {
      for (let i = 0; i < 1024; i++) {
        await writer.write(chunk)
        written += chunk.byteLength
      }
    })().catch(() => undefined)
    await waitForStandstill(
      () => written,
      () => two.a.mesh.ping(two.b.mesh.peer),
      { ms: 10_000, what: 'the writer to stop' },
    )
    assert.ok(written <= 8 * 1024 * 1024, `${written} bytes were taken for a reader that does not read`)
    stream.abort()
    await pump
  })

  it('every handler has a capability', () => {
    assert.deepEqual(
      two.a.mesh.handlers().filter(([, may]) => may === undefined),
      [],
    )
  })

  it('a connection that dies gives PATH_LOST, never a clean end', async () => {
    await two.b.mesh.handle('/x/hold/1.0.0', async (stream) => {
      const writer = stream.writable.getWriter()
      await writer.write(new Uint8Array([1]))
    })
    const stream = await two.a.mesh.open(two.b.mesh.peer, '/x/hold/1.0.0')
    const reader = stream.readable.getReader()
    assert.equal((await reader.read()).value?.[0], 1)
    const ending = reader.read()
    await two.b.close()
    await assert.rejects(ending, (error) => ['PATH_LOST', 'STREAM_RESET'].includes(codeOf(error)))
  })
})
