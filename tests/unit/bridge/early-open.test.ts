/** The page's open() of a protocol that a peer has agreed to: the stream is there at once, and nothing of what it does or fails with is lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCarrier } from '../../../src/bridge/carrier.ts'
import { connectMesh } from '../../../src/bridge/connect-mesh.ts'
import { serveMesh } from '../../../src/bridge/serve-mesh.ts'
import type { Mesh, MeshState, OpenOptions, PeerInfo } from '../../../src/core/mesh.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import { toPort } from '../../../src/core/port.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { type LogLevel, silentLog } from '../../../src/shared/log.ts'
import { createFakeMesh } from '../../support/fake-mesh.ts'
import { waitUntil } from '../../support/wait.ts'

const ECHO = '/fake/echo/1.0.0'
const HERE: PeerInfo = { id: 'here', name: '', path: 'direct', attempts: [], seen: 0, kind: 'browser', meshes: [] }

/** A page at a fake mesh whose open() waits for `gate` once there is one. */
async function page(path: PeerInfo['path'] = 'direct') {
  const fake = createFakeMesh('x')
  const control: { gate?: Promise<void>; opened: PeerStream[]; messages: number; calls: OpenOptions[]; logged: string[] } = {
    opened: [],
    messages: 0,
    calls: [],
    logged: [],
  }
  const state: MeshState = { ...fake.state, peers: [{ ...HERE, path }] }
  const mesh: Mesh = {
    ...fake,
    state,
    peers: state.peers,
    async open(peer, protocol, options = {}) {
      control.calls.push(options)
      await control.gate
      const stream = await fake.open(peer, protocol, options)
      control.opened.push(stream)
      return stream
    },
  }
  const log = (event: string, _fields?: unknown, level: LogLevel = 'info') => void control.logged.push(`${level} ${event}`)
  const { port1, port2 } = new MessageChannel()
  serveMesh(mesh, createCarrier(toPort(port1), 'worker'), silentLog())
  const post = port2.postMessage.bind(port2)
  port2.postMessage = (message: unknown, transfer?: unknown) => {
    control.messages++
    post(message, transfer as never)
  }
  const mirror = await connectMesh(createCarrier(toPort(port2), 'page'), { clock: systemClock(), log })
  const close = async () => {
    await mirror.close()
    port1.close()
  }
  return { mirror, control, close }
}

/** A page that has opened the protocol once, and whose next open() in the worker waits until `go()`. */
async function agreed() {
  const { mirror, control, close } = await page()
  const first = await mirror.open('here', ECHO)
  first.abort()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => undefined)
  control.gate = promise
  return { mirror, control, close, go: resolve, fail: reject }
}

async function readAll(stream: PeerStream): Promise<number> {
  let bytes = 0
  for await (const chunk of stream.readable) bytes += chunk.byteLength
  return bytes
}

describe('open() of an agreed protocol', () => {
  it('gives the stream before the worker has one, and sends call and first bytes in one message', async () => {
    const { mirror, control, close, go } = await agreed()
    const before = control.messages
    const stream = await mirror.open('here', ECHO)
    assert.equal(control.messages, before)
    await stream.writable.getWriter().write(new Uint8Array(32))
    await waitUntil(() => control.calls.length === 2, { what: 'the call' })
    assert.equal(control.messages, before + 1)
    go()
    assert.equal((await stream.readable.getReader().read()).value?.byteLength, 32)
    assert.equal(stream.path, 'direct')
    stream.abort()
    await close()
  })

  it('keeps a thousand small writes in order until the worker has the stream', async () => {
    const { mirror, close, go } = await agreed()
    const stream = await mirror.open('here', ECHO)
    const writer = stream.writable.getWriter()
    for (let i = 0; i < 1000; i++) await writer.write(Uint8Array.of(i % 251))
    void writer.close()
    go()
    const got: number[] = []
    for await (const chunk of stream.readable) got.push(...chunk)
    assert.deepEqual(
      got,
      Array.from({ length: 1000 }, (_, i) => i % 251),
    )
    await stream.closed
    await close()
  })

  it('stops a writer at the window while the worker has no stream', async () => {
    const { mirror, close, go } = await agreed()
    const stream = await mirror.open('here', ECHO)
    const writer = stream.writable.getWriter()
    let written = 0
    const sending = (async () => {
      for (let i = 0; i < 64; i++) {
        await writer.write(new Uint8Array(64 * 1024))
        written++
      }
      await writer.close()
    })()
    await waitUntil(() => written >= 16, { what: 'a full window' })
    assert.ok(written <= 17, `${written} chunks`)
    go()
    assert.equal(await readAll(stream), 64 * 64 * 1024)
    await sending
    await close()
  })

  it('fails the stream with the code of the worker, and waits for the worker the next time', async () => {
    for (const code of ['UNKNOWN_PROTOCOL', 'PEER_UNREACHABLE'] as const) {
      const { mirror, close, fail } = await agreed()
      const stream = await mirror.open('here', ECHO)
      const reading = readAll(stream)
      fail(new MeshError(code, 'no more'))
      await assert.rejects(reading, (error) => codeOf(error) === code)
      await assert.rejects(stream.closed, (error) => codeOf(error) === code)
      await assert.rejects(mirror.open('here', ECHO), (error) => codeOf(error) === code)
      await close()
    }
  })

  it('aborts the stream of the worker when the page aborted before it was there', async () => {
    const { mirror, control, close, go } = await agreed()
    const stream = await mirror.open('here', ECHO)
    stream.abort()
    await assert.rejects(stream.closed, (error) => codeOf(error) === 'ABORTED')
    go()
    const opened = await waitUntil(() => control.opened[1], { what: 'the stream in the worker' })
    await assert.rejects(opened.closed, (error) => codeOf(error) === 'ABORTED')
    await close()
  })

  it('waits for the worker when a direct path is asked for, the peer is away, or the signal fired', async () => {
    const { mirror, control, close, go } = await agreed()
    const direct = mirror.open('here', ECHO, { direct: true })
    await waitUntil(() => control.calls.length === 2, { what: 'the call' })
    assert.equal(control.opened.length, 1)
    await assert.rejects(mirror.open('here', ECHO, { signal: AbortSignal.abort() }), (error) => codeOf(error) === 'ABORTED')
    go()
    ;(await direct).abort()
    await close()

    const away = await page('away')
    ;(await away.mirror.open('here', ECHO)).abort()
    ;(await away.mirror.open('here', ECHO)).abort()
    assert.equal(away.control.opened.length, 2)
    await away.close()
  })
})

it('a handler in the page gets its stream and the bytes that came with it in one message', async () => {
  const { mirror, close } = await page()
  const served = Promise.withResolvers<number>()
  await mirror.handle('/fake/mine/1.0.0', async (stream) => served.resolve(await readAll(stream)))
  const stream = await mirror.open('here', '/fake/mine/1.0.0')
  const writer = stream.writable.getWriter()
  await writer.write(new Uint8Array(500))
  await writer.close()
  assert.equal(await served.promise, 500)
  await close()
})

it('a peer that resets its stream, however often, is no warning in the console; a handler that fails by itself is', async () => {
  const { mirror, control, close } = await page()
  await mirror.handle('/fake/mine/1.0.0', async (stream) => void (await readAll(stream)))
  await mirror.handle('/fake/broken/1.0.0', () => Promise.reject(new RangeError('on purpose')))
  ;(await mirror.open('here', '/fake/mine/1.0.0')).abort()
  await waitUntil(() => control.logged.length > 0, { what: 'the end of the stream' })
  assert.deepEqual(control.logged, ['debug bridge.handler.failed'])
  await mirror.open('here', '/fake/broken/1.0.0')
  await waitUntil(() => control.logged.length > 1, { what: 'the failure' })
  assert.equal(control.logged[1], 'warn bridge.handler.failed')
  await close()
})
