/** What a relay's roster tells the DHT: records of its lobby as they come and go, and nothing of a private mesh. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createRecordCheck } from '../../../src/discovery/registry/record-check.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'
import { createSides, here, join, openMesh } from './presence-net.ts'

const { relaySide, peerSide, stopAll } = createSides()
afterEach(stopAll)

test('who comes to the lobby is told with a record that proves it, who leaves is told too', async () => {
  const told: [string, string | undefined][] = []
  const relay = await relaySide({ told: (...one) => told.push(one) })
  const ana = await peerSide([relay], { name: 'Ana' })
  const stay = join(ana, relay)
  await waitUntil(() => told.length === 1, { what: 'Ana to be told' })
  const [peer = '', record = ''] = told[0] ?? []
  const expected = { sub: ana.identity.peer, relay: relay.identity.peer, now: Date.now() }
  assert.equal(peer, ana.identity.peer)
  const check = createRecordCheck(relay.identity.verify)
  await check(record, expected)
  for (const other of [{ sub: relay.identity.peer }, { relay: ana.identity.peer }])
    await assert.rejects(check(record, { ...expected, ...other }), (error) => codeOf(error) === 'BAD_RECORD')
  stay.leave()
  await waitUntil(() => told.length === 2, { what: 'the leave to be told' })
  assert.deepEqual(told[1], [ana.identity.peer, undefined])
})

test('of a private mesh nothing is told', async () => {
  const told: string[] = []
  const relay = await relaySide({ admits: () => true, told: (peer) => told.push(peer) })
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  const stay = join(ana, relay, openMesh('private'))
  await waitUntil(() => here(relay).length === 1, { what: 'Ana in the mesh' })
  stay.leave()
  await waitUntil(() => here(relay).length === 0, { what: 'Ana to be gone' })
  join(ben, relay)
  await waitUntil(() => told.length > 0, { what: 'Ben in the lobby to be told' })
  assert.deepEqual(told, [ben.identity.peer])
})
