/** Each rule of the gate by itself: default deny, one decision a stream, what its row limits, and what ends with a handler or a row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import type { Policy, PolicyRow, Who } from '../../../src/core/access.ts'
import { createGate } from '../../../src/mesh/gate.ts'
import { MAX_STREAMS_PER_PROTOCOL } from '../../../src/mesh/limits.ts'
import type { Swarm } from '../../../src/mesh/swarm.ts'
import { type ErrorCode, MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { manualClock } from '../presence/manual-clock.ts'

const row = (over: Partial<PolicyRow> = {}): PolicyRow => ({ id: 'r', who: ['lobby'], may: ['test.use'], label: 'Use', ...over })

/** A gate before a registrar that keeps what is registered, as libp2p's does; `rows` may be changed. */
function startGate(first: readonly PolicyRow[], roles: Who['roles'] = ['lobby']) {
  const registered = new Map<string, { handler: StreamHandler; options: StreamHandlerOptions | undefined }>()
  const registrar = {
    handle: async (protocol: string, handler: StreamHandler, options?: StreamHandlerOptions) => void registered.set(protocol, { handler, options }),
    unhandle: async (protocol: string) => void registered.delete(protocol),
    getProtocols: () => [...registered.keys()],
  }
  let rows = first
  const clock = manualClock()
  const policy = { rows: () => rows } as Policy
  const gate = createGate({ components: { registrar } } as unknown as Swarm, { policy, rolesOf: () => roles, clock, log: silentLog() })
  const connection = { remotePeer: { toString: () => 'peer-a' } } as unknown as Connection
  /** A new stream of this protocol, as its handler finds it; `code` is what it was aborted with. */
  const open = async (protocol: string) => {
    const state = { code: undefined as ErrorCode | undefined, close: () => void stream.dispatchEvent(new Event('close')) }
    const abort = (error: MeshError) => {
      state.code = error.code
      state.close()
    }
    const stream = Object.assign(new EventTarget(), { status: 'open', send: () => true, abort }) as unknown as Stream
    await registered.get(protocol)?.handler(stream, connection)
    return state
  }
  return { gate, registrar, registered, clock, open, setRows: (next: readonly PolicyRow[]) => void (rows = next) }
}

test('a handler that somebody registers without a capability is denied to everybody, whatever the rows say', async () => {
  const { registrar, open, gate } = startGate([row({ who: ['anyone'], may: ['test.use', 'stream.open'] })])
  let served = 0
  await registrar.handle('/x/raw', () => void served++)
  assert.equal((await open('/x/raw')).code, 'ACCESS_DENIED')
  assert.equal(served, 0)
  assert.deepEqual(gate.handlers(), [['/x/raw', undefined]])
})

test('the decision is by the roles of the peer and by the protocol as target', async () => {
  for (const [roles, to, code] of [
    [['lobby'], '/x/a', undefined],
    [['member'], '/x/a', 'ACCESS_DENIED'],
    [['lobby'], '/x/b', 'ACCESS_DENIED'],
  ] as const) {
    const { gate, open } = startGate([row({ to: [to] })], roles)
    await gate.handle('/x/a', 'test.use', () => undefined)
    assert.equal((await open('/x/a')).code, code)
  }
})

test('what runs and what started counts against the row until it ends', async () => {
  const { gate, open, clock } = startGate([row({ limits: { concurrent: 1, rate: 3 } })])
  await gate.handle('/x/a', 'test.use', () => undefined)
  const first = await open('/x/a')
  assert.equal(first.code, undefined)
  assert.equal((await open('/x/a')).code, 'LIMIT_REACHED')
  first.close()
  const next = [await open('/x/a')]
  assert.equal(next[0]?.code, undefined, 'the place of the first was given back')
  next[0]?.close()
  next.push(await open('/x/a'))
  next[1]?.close()
  assert.equal((await open('/x/a')).code, 'LIMIT_REACHED', 'three started within the minute')
  clock.advance(66_000)
  assert.equal((await open('/x/a')).code, undefined)
})

test('a stream is cut when the time of its row is over, and one that ended leaves no timer', async () => {
  const { gate, open, clock } = startGate([row({ limits: { time: 1000 } })])
  await gate.handle('/x/a', 'test.use', () => undefined)
  const long = await open('/x/a')
  const short = await open('/x/a')
  assert.equal(clock.timers(), 2)
  short.close()
  assert.equal(clock.timers(), 1)
  clock.advance(999)
  assert.equal(long.code, undefined)
  clock.advance(1)
  assert.equal(long.code, 'LIMIT_REACHED')
})

test('recheck() cuts what new rows no longer allow, and nothing that ended', async () => {
  const { gate, open, setRows } = startGate([row()])
  await gate.handle('/x/a', 'test.use', () => undefined)
  const [live, over] = [await open('/x/a'), await open('/x/a')]
  over.close()
  gate.recheck()
  assert.equal(live.code, undefined)
  setRows([])
  gate.recheck()
  assert.deepEqual([live.code, over.code], ['ACCESS_DENIED', undefined])
  assert.equal((await open('/x/a')).code, 'ACCESS_DENIED')
})

test('a handler, its capability and its row end together, and nobody takes its place before', async () => {
  const { gate, open, registrar, registered } = startGate([])
  const own = row({ id: 'own' })
  await gate.handle('/x/b', 'test.use', () => undefined)
  const remove = await gate.handle('/x/a', 'test.use', () => undefined, own)
  assert.equal((await open('/x/a')).code, undefined)
  assert.equal((await open('/x/b')).code, undefined)
  assert.deepEqual(gate.rows(), [own])
  await assert.rejects(
    gate.handle('/x/a', 'test.use', () => undefined),
    { code: 'BAD_ARGUMENT' },
  )
  await remove()
  assert.equal((await open('/x/b')).code, 'ACCESS_DENIED', 'the row outlived its handler')
  assert.deepEqual([...registered.keys()], ['/x/b'])
  assert.deepEqual(gate.rows(), [])
  registered.clear()
  await registrar.handle('/x/a', () => undefined)
  assert.deepEqual(gate.handlers(), [['/x/a', undefined]])
  registered.clear()
  await gate.handle('/x/a', 'test.use', () => undefined)
  assert.equal((await open('/x/a')).code, 'ACCESS_DENIED', 'the row of the first handler still allowed it')
})

test('a handler that throws resets its stream with the code', async () => {
  const { gate, open } = startGate([row()])
  await gate.handle('/x/a', 'test.use', () => Promise.reject(new MeshError('STORAGE_FULL', 'full')))
  assert.equal((await open('/x/a')).code, 'STORAGE_FULL')
})

test('every handler has a cap of streams; what a service asks for itself goes before it', async () => {
  const { registrar, registered } = startGate([])
  await registrar.handle('/x/a', () => undefined)
  await registrar.handle('/x/b', () => undefined, { maxInboundStreams: 3 })
  assert.equal(registered.get('/x/a')?.options?.maxInboundStreams, MAX_STREAMS_PER_PROTOCOL)
  assert.equal(registered.get('/x/b')?.options?.maxInboundStreams, 3)
})
