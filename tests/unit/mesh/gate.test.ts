/** What the gate counts ends with the stream, also with one that ended before its handler could run. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import type { Policy, PolicyRow } from '../../../src/core/access.ts'
import { createGate } from '../../../src/mesh/gate.ts'
import type { Swarm } from '../../../src/mesh/swarm.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { waitUntil } from '../../support/wait.ts'

const ROW: PolicyRow = { id: 'one', who: ['anyone'], may: ['test.one'], limits: { concurrent: 1 }, label: 'One at a time' }

function startGate(row = ROW) {
  const handlers = new Map<string, StreamHandler>()
  const registrar = {
    handle: async (protocol: string, handler: StreamHandler) => void handlers.set(protocol, handler),
    unhandle: async (protocol: string) => void handlers.delete(protocol),
    getProtocols: () => [...handlers.keys()],
  }
  const policy = { rows: () => [row] } as unknown as Policy
  const gate = createGate({ components: { registrar } } as unknown as Swarm, { policy, rolesOf: () => [], clock: systemClock(), log: silentLog() })
  return { gate, handlers }
}

function fakeStream(status: string): Stream & { aborted: boolean } {
  const stream = Object.assign(new EventTarget(), { status, aborted: false, abort: () => void (stream.aborted = true) })
  return stream as unknown as Stream & { aborted: boolean }
}

for (const ended of ['reset', 'aborted', 'closed']) {
  it(`a stream that was ${ended} before its handler ran holds no place`, async () => {
    const { gate, handlers } = startGate()
    let served = 0
    await gate.handle('/x/one', 'test.one', () => void served++)
    const serve = handlers.get('/x/one') as StreamHandler
    const connection = { remotePeer: { toString: () => 'peer-a' } } as unknown as Connection
    await serve(fakeStream(ended), connection)
    assert.equal(served, 0)
    const next = fakeStream('open')
    await serve(next, connection)
    assert.equal(next.aborted, false)
    assert.equal(served, 1)
  })
}

const connection = { remotePeer: { toString: () => 'peer-a' } } as unknown as Connection

/** A stream that remembers what was sent on it. */
function openStream() {
  const sent: number[] = []
  const stream = Object.assign(new EventTarget(), {
    status: 'open',
    reason: '',
    abort: (error: { code: string }) => void (stream.reason = error.code),
    send: (data: Uint8Array) => sent.push(data.byteLength) > 0,
  })
  const receive = (bytes: number) => stream.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) }))
  return { stream: stream as unknown as Stream & { reason: string }, sent, receive }
}

it('bytes of a row are counted in both directions and end the stream of any handler', async () => {
  const { gate, handlers } = startGate({ ...ROW, limits: { bytes: 1_000 } })
  await gate.handle('/x/one', 'test.one', (stream) => stream.addEventListener('message', () => undefined))
  const serve = handlers.get('/x/one') as StreamHandler
  const { stream, sent, receive } = openStream()
  await serve(stream, connection)
  receive(600)
  stream.send(new Uint8Array(400))
  assert.equal(stream.reason, '')
  receive(1)
  assert.equal(stream.reason, 'LIMIT_REACHED')
  assert.deepEqual(sent, [400])
  const other = openStream()
  await serve(other.stream, connection)
  other.receive(1_000)
  assert.equal(other.stream.reason, '', 'each stream has its own')
})

it('what came with the question is kept for a handler that listens late, and counted then', { timeout: 10_000 }, async () => {
  for (const [limits, reason] of [
    [{}, ''],
    [{ bytes: 1_000 }, ''],
    [{ bytes: 4 }, 'LIMIT_REACHED'],
  ] as const) {
    const { gate, handlers } = startGate({ ...ROW, limits })
    const reading = Promise.withResolvers<number>()
    await gate.handle('/x/one', 'test.one', async (stream) => {
      await new Promise((resolve) => setTimeout(resolve))
      stream.addEventListener('message', ({ data }) => reading.resolve(data.byteLength))
    })
    const [near, far] = await streamPair()
    let why = ''
    far.addEventListener('close', ({ error }) => (why = (error as { code?: string } | undefined)?.code ?? ''))
    near.send(new Uint8Array(5))
    await waitUntil(() => far.readBufferLength === 5, { what: 'the bytes' })
    await (handlers.get('/x/one') as StreamHandler)(far, connection)
    assert.equal(await reading.promise, 5)
    assert.equal(why, reason)
  }
})

it('a time that no timer can hold does not end the stream at once', async () => {
  const { gate, handlers } = startGate({ ...ROW, limits: { time: 2 ** 40 } })
  await gate.handle('/x/one', 'test.one', () => undefined)
  const { stream } = openStream()
  await (handlers.get('/x/one') as StreamHandler)(stream, connection)
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(stream.reason, '')
  stream.dispatchEvent(new Event('close'))
})

it('what is used up lets in one that goes on, as long as there is something to go on with, and what is uncounted frees its place', async () => {
  const { gate, handlers } = startGate({ ...ROW, limits: { rate: 1, concurrent: 1 } })
  const served: boolean[] = []
  const uncounts: ((() => void) | undefined)[] = []
  let left = 1
  await gate.handle(
    '/x/one',
    'test.one',
    (_, __, uncount) => {
      uncounts.push(uncount)
      served.push(uncount === undefined)
    },
    undefined,
    () => left-- > 0,
  )
  const serve = handlers.get('/x/one') as StreamHandler
  const [first, second, third, fourth] = [openStream(), openStream(), openStream(), openStream()]
  await serve(first.stream, connection)
  await serve(second.stream, connection)
  await serve(third.stream, connection)
  assert.deepEqual([served, second.stream.reason, third.stream.reason], [[false, true], '', 'LIMIT_REACHED'])
  uncounts[0]?.()
  uncounts[0]?.()
  await serve(fourth.stream, connection)
  assert.deepEqual([served, fourth.stream.reason], [[false, true, false], ''])
})

it('whom no row allows is not let in to go on either', async () => {
  const { gate, handlers } = startGate({ ...ROW, may: ['other'] })
  await gate.handle(
    '/x/one',
    'test.one',
    () => assert.fail('served'),
    undefined,
    () => true,
  )
  const { stream } = openStream()
  await (handlers.get('/x/one') as StreamHandler)(stream, connection)
  assert.equal(stream.reason, 'ACCESS_DENIED')
})
