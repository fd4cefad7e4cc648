/** RESERVE at the hop, each rule by itself, on the real ledger and the real table: way, draining, policy, rate, places, time. tests/mesh/relay-hop.test.ts asks over real connections. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { decideBy } from '../../../src/access/decide.ts'
import type { PolicyRow } from '../../../src/core/access.ts'
import { silentLog } from '../../../src/shared/log.ts'
import type { HopComponents } from '../../../src/transports/relay/components.ts'
import { grantReservation } from '../../../src/transports/relay/grant.ts'
import type { HopState } from '../../../src/transports/relay/hop-state.ts'
import { createLedger } from '../../../src/transports/relay/ledger.ts'
import { type HopQuotas, QUOTAS } from '../../../src/transports/relay/limits.ts'
import { createReservationTable } from '../../../src/transports/relay/reservations.ts'
import { decodeHop, type HopMessage, STATUS } from '../../../src/transports/relay/wire.ts'
import { manualClock } from '../presence/manual-clock.ts'

const newPeer = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const row: PolicyRow = { id: 'r', who: ['lobby'], may: ['relay.reserve'], label: 'Reserve' }

async function startHop(quotas: Partial<HopQuotas> = {}, rows: readonly PolicyRow[] = [row]) {
  const privateKey = await generateKeyPair('Ed25519')
  const circuit = multiaddr('/ip4/192.0.2.1/tcp/1/ws/p2p-circuit')
  const addressManager = { getAddresses: () => [multiaddr('/ip4/192.0.2.1/tcp/1/ws'), circuit] }
  const components = { privateKey, peerId: peerIdFromPrivateKey(privateKey), addressManager } as unknown as HopComponents
  const clock = manualClock()
  const own = { ...QUOTAS, ...quotas }
  const hop = { draining: false, prefix: 'net' }
  const state: HopState = {
    ...{ components, quotas: own, clock, log: silentLog(), decide: decideBy(rows), ledger: createLedger(clock) },
    reservations: createReservationTable(components, own, clock),
    spend: async () => true,
    who: (peer) => ({ peer, roles: ['lobby'] }),
    prefix: () => hop.prefix,
    refuse: (refused) => refused,
    draining: () => hop.draining,
  }
  const ask = async (peer: Awaited<ReturnType<typeof newPeer>>, address = '/ip4/198.51.100.1/tcp/2/ws') => {
    const connection = { status: 'open', remotePeer: peer, remoteAddr: multiaddr(address) } as unknown as Connection
    let answer: HopMessage | undefined
    const messages = {
      read: () => Promise.reject(new Error('nothing to read')),
      write: async (bytes: Uint8Array) => void (answer = decodeHop(bytes)),
      unwrap: () => ({ close: () => Promise.resolve() }) as unknown as Stream,
    }
    const refused = await grantReservation(state, { message: {}, messages, connection, signal: AbortSignal.timeout(5000) })
    return refused ? `${refused.status} ${refused.reason}` : answer
  }
  return { state, hop, clock, ask }
}

test('a place is granted for the quota of time, with our direct addresses alone', async () => {
  const { ask, clock, state } = await startHop()
  const peer = await newPeer()
  const answer = await ask(peer)
  assert.ok(typeof answer === 'object')
  assert.equal(answer.status, STATUS.OK)
  assert.equal(answer.reservation?.expire, Math.floor(clock.now() / 1000 + QUOTAS.reservationTtl))
  assert.deepEqual(
    answer.reservation?.addrs.map((bytes) => multiaddr(bytes).toString()),
    ['/ip4/192.0.2.1/tcp/1/ws'],
  )
  assert.ok(state.reservations.get(peer.toString()))
  clock.advance(QUOTAS.reservationTtl * 1000)
  assert.equal(state.reservations.get(peer.toString()), undefined, 'it ended')
})

test('nobody gets a place over a circuit, or while the relay drains', async () => {
  const { ask, hop } = await startHop()
  assert.equal(await ask(await newPeer(), '/ip4/192.0.2.7/tcp/2/ws/p2p-circuit'), '202 over-circuit')
  hop.draining = true
  assert.equal(await ask(await newPeer()), '200 draining')
})

test('the row says who, how often and how long; the right to hop is another one', async () => {
  assert.equal(await (await startHop({}, [])).ask(await newPeer()), '202 policy')
  assert.equal(await (await startHop({}, [{ ...row, may: ['relay.hop'] }])).ask(await newPeer()), '202 policy')
  const { ask, clock } = await startHop({}, [{ ...row, limits: { rate: 1, time: 60_000 } }])
  const peer = await newPeer()
  const answer = await ask(peer)
  assert.equal(typeof answer === 'object' && answer.reservation?.expire, Math.floor(clock.now() / 1000 + 60))
  assert.equal(await ask(peer), '200 policy-limit')
})

test('the rate counts by peer, places by prefix and in all, and whoever renews always fits', async () => {
  const { ask, hop, clock } = await startHop({ reservationRate: 2, reservationsPerPrefix: 1, reservations: 2 })
  const [a, b, c, d] = [await newPeer(), await newPeer(), await newPeer(), await newPeer()]
  assert.equal(typeof (await ask(a)), 'object')
  assert.equal(await ask(b), '200 quota', 'one place a prefix')
  assert.equal(typeof (await ask(a)), 'object', 'a renews')
  assert.equal(await ask(a), '200 rate')
  hop.prefix = 'other'
  assert.equal(typeof (await ask(c)), 'object')
  hop.prefix = 'third'
  assert.equal(await ask(d), '200 quota', 'two places in all')
  clock.advance(QUOTAS.reservationTtl * 1000)
  assert.equal(typeof (await ask(d)), 'object', 'those that ended leave their places')
})
