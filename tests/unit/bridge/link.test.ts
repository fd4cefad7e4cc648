/** link.ts and carrier.ts over real MessagePorts: deadlines, deaths, codes, and what a hostile caller cannot do. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createCarrier } from '../../../src/bridge/carrier.ts'
import { MAX_EARLY } from '../../../src/bridge/limits.ts'
import { connectLink, type Methods, serveLink } from '../../../src/bridge/link.ts'
import { toPort } from '../../../src/core/port.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'

type Api = {
  add(a: number, b: number): number
  fail(): void
  hang(): void
  size(bytes: ArrayBuffer): number
}

function setUp(t: TestContext, over: Partial<Methods<Api>> = {}) {
  const { port1, port2 } = new MessageChannel()
  const stop = new AbortController()
  const gone = new AbortController()
  const methods: Methods<Api> = {
    add: (_, a, b) => a + b,
    fail: () => {
      throw new MeshError('RELAY_FULL', '128 of 128', { cause: new MeshError('TIMEOUT', 'inside') })
    },
    hang: () => new Promise(() => undefined),
    size: (_, bytes) => bytes.byteLength,
    ...over,
  }
  serveLink<Api>(toPort(port1), methods, stop.signal)
  const link = connectLink<Api>(toPort(port2), { clock: systemClock(), gone: gone.signal })
  t.after(() => {
    port1.close()
    port2.close()
  })
  return { link, gone, port: port2 }
}

describe('link', () => {
  it('call() answers, moves what is listed, and keeps code, message and cause of errors', async (t) => {
    const { link } = setUp(t)
    assert.equal(await link.call('add', [2, 3]), 5)
    const bytes = new ArrayBuffer(1000)
    assert.equal(await link.call('size', [bytes], { transfer: [bytes] }), 1000)
    assert.equal(bytes.byteLength, 0)
    await assert.rejects(link.call('fail', []), (error: MeshError) => {
      assert.equal(error.code, 'RELAY_FULL')
      assert.equal(error.message, '128 of 128')
      assert.equal(codeOf(error.cause), 'TIMEOUT')
      return true
    })
  })

  it('call() rejects with TIMEOUT, ABORTED and WORKER_GONE and tells the other side to stop', async (t) => {
    const stopped: string[] = []
    const hang = (signal: AbortSignal) =>
      new Promise<void>((_, reject) =>
        signal.addEventListener('abort', () => {
          stopped.push('stopped')
          reject(signal.reason)
        }),
      )
    const { link, gone } = setUp(t, { hang })
    await assert.rejects(link.call('hang', [], { ms: 20 }), (error) => codeOf(error) === 'TIMEOUT')
    await waitUntil(() => stopped.length === 1, { what: 'the cancel to arrive' })
    const stop = new AbortController()
    const cancelled = link.call('hang', [], { signal: stop.signal })
    stop.abort()
    await assert.rejects(cancelled, (error) => codeOf(error) === 'ABORTED')
    const pending = [link.call('hang', []), link.call('hang', [])]
    gone.abort(new MeshError('WORKER_GONE', 'dead'))
    for (const call of pending) await assert.rejects(call, (error) => codeOf(error) === 'WORKER_GONE')
    await assert.rejects(link.call('add', [1, 1]), (error) => codeOf(error) === 'WORKER_GONE')
  })

  it('nothing but listed methods can be reached, whatever path a caller names', async (t) => {
    const { link, port } = setUp(t)
    await assert.rejects(link.call('constructor' as 'add', [1, 1]), (error) => codeOf(error) === 'BAD_ARGUMENT')
    const answers: unknown[] = []
    port.addEventListener('message', ({ data }) => answers.push(data))
    for (const attack of [
      { id: 'a', type: 'GET', path: ['call'] },
      { id: 'b', type: 'GET', path: ['call', 'constructor', 'constructor'] },
      { id: 'c', type: 'CONSTRUCT', path: ['call', 'constructor', 'constructor'], argumentList: [{ type: 'RAW', value: 'globalThis.pwned = 1' }] },
      { id: 'd', type: 'SET', path: ['call'], value: { type: 'RAW', value: 1 } },
      { id: 'e', type: 'ENDPOINT', path: [] },
      { id: 'f', type: 'RELEASE', path: [] },
      { id: 'g', type: 'APPLY', path: ['__proto__', 'toString'], argumentList: [] },
      null,
      'text',
    ])
      port.postMessage(attack)
    assert.equal(await link.call('add', [2, 2]), 4, 'the link still works')
    assert.equal(answers.length, 1, 'only the real call was answered')
    assert.equal('pwned' in globalThis, false)
  })
})

describe('carrier', () => {
  const pair = (t: TestContext) => {
    const { port1, port2 } = new MessageChannel()
    t.after(() => port1.close())
    return [createCarrier(toPort(port1), 'page'), createCarrier(toPort(port2), 'worker')] as const
  }

  it('keeps what arrives before a channel is taken, in order, up to a cap', async (t) => {
    const [page, worker] = pair(t)
    const id = page.allocate()
    for (let i = 0; i < MAX_EARLY + 10; i++) page.channel(id).post(i)
    const done = Promise.withResolvers<void>()
    worker.channel(1).listen(() => done.resolve())
    page.channel(1).post('done')
    await done.promise
    const got: unknown[] = []
    worker.channel(id).listen((message) => got.push(message))
    assert.deepEqual(
      got,
      Array.from({ length: MAX_EARLY }, (_, i) => i),
    )
  })

  it('numbers of page and worker never meet, and a closed channel stays silent', async (t) => {
    const [page, worker] = pair(t)
    const ids = [page.allocate(), page.allocate(), worker.allocate(), worker.allocate()]
    assert.equal(new Set(ids).size, 4)
    const got: unknown[] = []
    const [id = 0] = ids
    const channel = worker.channel(id)
    channel.listen((message) => got.push(message))
    channel.close()
    page.channel(id).post('late')
    const done = Promise.withResolvers<void>()
    worker.channel(1).listen(() => done.resolve())
    page.channel(1).post('done')
    await done.promise
    assert.deepEqual(got, [])
  })

  it('end() fires the signal with its reason, once', (t) => {
    const [page] = pair(t)
    page.end(new MeshError('WORKER_GONE', 'first'))
    page.end(new MeshError('CLOSED', 'second'))
    assert.equal(codeOf(page.signal.reason), 'WORKER_GONE')
  })
})
