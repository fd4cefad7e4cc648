/** What the gate counts ends with the stream, also with one that ended before its handler could run. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { Policy, PolicyRow } from '../../../src/core/access.ts'
import { createGate } from '../../../src/mesh/gate.ts'
import type { Swarm } from '../../../src/mesh/swarm.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'

const ROW: PolicyRow = { id: 'one', who: ['anyone'], may: ['test.one'], limits: { concurrent: 1 }, label: 'One at a time' }

function startGate() {
  const handlers = new Map<string, StreamHandler>()
  const registrar = {
    handle: async (protocol: string, handler: StreamHandler) => void handlers.set(protocol, handler),
    unhandle: async (protocol: string) => void handlers.delete(protocol),
    getProtocols: () => [...handlers.keys()],
  }
  const policy = { rows: () => [ROW] } as unknown as Policy
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
