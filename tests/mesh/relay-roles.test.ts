/** What a row for a key, or for members, means at the hop: roles reach its policy, and a granted circuit carries no limit that other implementations would refuse. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { decideBy } from '../../src/access/decide.ts'
import { addGrant, removeGrant } from '../../src/access/grants.ts'
import { createPolicy } from '../../src/access/policy.ts'
import { lobbyRows, memberRows } from '../../src/access/rows.ts'
import type { PolicyRow, Who } from '../../src/core/access.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'
import { createMemoryRecords } from '../../src/storage/memory.ts'
import { type ClientNode, ECHO, type RelayNode, readAll, sendAll, serveEcho, startClient, startRelay, through } from './relay-nodes.ts'

const opened: { stop(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((node) => node.stop()))
})

async function client(): Promise<ClientNode> {
  const made = await startClient()
  opened.push(made.node)
  return made
}

/** A relay with a lobby and these rows beside it, and somebody who echoes behind it. */
async function setUp(rows: readonly PolicyRow[], roles: Map<string, Who['roles']>): Promise<{ relay: RelayNode; b: ClientNode }> {
  const decide = decideBy([...lobbyRows(true, 'relay'), ...memberRows('relay'), ...rows])
  const relay = await startRelay({ decide, rolesOf: (peer) => roles.get(peer) ?? ['lobby'] })
  opened.push(relay.node)
  const b = await client()
  await b.node.dial(relay.address)
  await b.relay.reserve(relay.node.peerId.toString(), new AbortController().signal)
  await serveEcho(b.node)
  return { relay, b }
}

const limitsOf = async (a: ClientNode, relay: RelayNode, b: ClientNode) => (await a.node.dial(through(relay, b.node))).limits

for (const role of ['member', 'own'] as const) {
  test(`a circuit of one with the role ${role} carries no limit, one of the lobby does`, async () => {
    const roles = new Map<string, Who['roles']>()
    const { relay, b } = await setUp([], roles)
    const [a, stranger] = [await client(), await client()]
    roles.set(a.node.peerId.toString(), ['lobby', role])
    assert.equal(await limitsOf(a, relay, b), undefined)
    assert.ok((await limitsOf(stranger, relay, b))?.bytes)
  })
}

test('a row for a key gives circuits without a limit, and what it limits is enforced all the same', async () => {
  const rows: PolicyRow[] = []
  const a = await client()
  const row = { id: 'ana', who: [`peer:${a.node.peerId}`], may: ['relay.hop'], limits: { bytes: 300_000 }, label: 'Ana' }
  const { relay, b } = await setUp([...rows, row], new Map())
  assert.equal(await limitsOf(a, relay, b), undefined)
  const [connection] = a.node.getConnections(b.node.peerId)
  const stream = await connection?.newStream(ECHO)
  assert.ok(stream)
  const [, back] = await Promise.allSettled([sendAll(stream, randomBytes(400_000)), readAll(stream)])
  assert.ok(back.status === 'rejected' || back.value.byteLength < 400_000)
  assert.equal(relay.hop.counters().cut.LIMIT_REACHED, 1)
})

test('a role that no row speaks of gives nothing', async () => {
  const roles = new Map<string, Who['roles']>()
  const { relay, b } = await setUp([], roles)
  const a = await client()
  roles.set(a.node.peerId.toString(), ['self'])
  await assert.rejects(a.node.dial(through(relay, b.node)))
  assert.deepEqual(relay.hop.counters().refused, { policy: 1 })
})

/** A relay without a lobby whose policy is kept in a store, and somebody who echoes behind it. */
async function withGrants() {
  const b = await client()
  const first: PolicyRow = { id: 'b', who: [`peer:${b.node.peerId}`], may: ['relay.reserve'], label: 'B' }
  const options = { defaults: [first], clock: systemClock(), log: silentLog() }
  const records = createMemoryRecords()
  const policy = await createPolicy({ records, ...options })
  const relay = await startRelay({ decide: policy.decide, spend: policy.spend })
  opened.push(relay.node)
  policy.onChange(relay.hop.recheck)
  await b.node.dial(relay.address)
  await b.relay.reserve(relay.node.peerId.toString(), new AbortController().signal)
  await serveEcho(b.node)
  return { relay, b, policy, again: () => createPolicy({ records, ...options }) }
}

test('revoking a grant of the hop cuts the circuit that runs by it within a second', async () => {
  const { relay, b, policy } = await withGrants()
  const a = await client()
  await assert.rejects(a.node.dial(through(relay, b.node)), 'nothing is granted yet')
  const id = await addGrant(policy, { who: [`peer:${a.node.peerId}`], may: ['relay.hop'] }, Date.now())
  const connection = await a.node.dial(through(relay, b.node))
  assert.equal(relay.hop.circuits().length, 1)
  const closed = new Promise<number>((resolve) => connection.addEventListener('close', () => resolve(Date.now()), { once: true }))
  const before = Date.now()
  await removeGrant(policy, id)
  const took = (await closed) - before
  assert.ok(took <= 1_000, `${took} ms`)
  assert.equal(relay.hop.counters().cut.ACCESS_DENIED, 1)
})

test('a grant of two circuits gives two, also over a restart of what counts them', async () => {
  const { relay, b, policy, again } = await withGrants()
  const a = await client()
  const id = await addGrant(policy, { who: [`peer:${a.node.peerId}`], may: ['relay.hop'], limits: { uses: 2 } }, Date.now())
  for (let use = 1; use <= 2; use++) {
    const connection = await a.node.dial(through(relay, b.node))
    assert.equal((await again()).used()[id], use)
    await connection.close()
  }
  await assert.rejects(a.node.dial(through(relay, b.node)))
  assert.equal(relay.hop.counters().refused['policy-limit'], 1)
  assert.equal(await (await again()).spend(id, 2), false)
})
