/** Our hop server against real clients: every status, every quota, live revocation, draining, and a reader that stands still. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, test } from 'node:test'
import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import { decideBy } from '../../src/access/decide.ts'
import type { Decide, Limits } from '../../src/core/access.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { createMessageStream } from '../../src/transports/relay/message-stream.ts'
import { createHopServer } from '../../src/transports/relay/server.ts'
import { decodeHop, decodeVoucher, encodeHop, type HopMessage, STATUS, statusName } from '../../src/transports/relay/wire.ts'
import { FOREIGN } from '../../src/wire/ids.ts'
import { waitUntil } from '../support/wait.ts'
import { allowAll, type ClientNode, ECHO, type RelayNode, readAll, sendAll, serveEcho, startClient, startRelay, through } from './relay-nodes.ts'

const opened: { stop(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((node) => node.stop()))
})

async function relayNode(options: Parameters<typeof startRelay>[0] = {}): Promise<RelayNode> {
  const made = await startRelay(options)
  opened.push(made.node)
  return made
}

async function client(): Promise<ClientNode> {
  const made = await startClient()
  opened.push(made.node)
  return made
}

const forever = new AbortController().signal

/** A client that is reachable through `relay` and echoes. */
async function destination(relay: RelayNode): Promise<ClientNode> {
  const made = await client()
  await made.node.dial(relay.address)
  await made.relay.reserve(relay.node.peerId.toString(), forever)
  await serveEcho(made.node)
  return made
}

/** One hop request by hand; the answer. */
async function ask(from: Libp2p, relay: RelayNode, message: HopMessage | Uint8Array): Promise<HopMessage> {
  const stream = await from.dialProtocol(relay.address, FOREIGN.hop)
  const messages = createMessageStream(stream)
  const signal = AbortSignal.timeout(12_000)
  await messages.write(message instanceof Uint8Array ? message : encodeHop(message), signal)
  return decodeHop(await messages.read(signal))
}

const connectTo = (to: Libp2p): HopMessage => ({ type: 1, peer: { id: to.peerId.toMultihash().bytes, addrs: [] } })

async function status(from: Libp2p, relay: RelayNode, message: HopMessage | Uint8Array): Promise<string> {
  return statusName((await ask(from, relay, message)).status)
}

async function open(from: Libp2p, relay: RelayNode, to: Libp2p): Promise<Stream> {
  const connection = await from.dial(through(relay, to))
  return connection.newStream(ECHO, { runOnLimitedConnection: true })
}

/** Less comes back than was sent. */
async function isCut(stream: Stream, bytes: number): Promise<void> {
  const [, back] = await Promise.allSettled([sendAll(stream, randomBytes(bytes)), readAll(stream)])
  assert.ok(back.status === 'rejected' || back.value.byteLength < bytes)
}

/** By the real policy: everyone may reserve, and hop within `limits`. */
function limited(limits: Limits): Decide {
  return decideBy([
    { id: 'reserve', who: ['anyone'], may: ['relay.reserve'], label: 'reserve' },
    { id: 'hop', who: ['anyone'], may: ['relay.hop'], limits, label: 'hop' },
  ])
}

test('a reservation carries the relay address, an hour, and a voucher that any libp2p can verify', async () => {
  const relay = await relayNode()
  const b = await client()
  const { status: code, reservation, limit } = await ask(b.node, relay, { type: 0 })
  assert.equal(code, STATUS.OK)
  assert.equal(limit, undefined)
  assert.ok(reservation?.voucher)
  assert.ok(Math.abs(reservation.expire - (Date.now() / 1000 + 3600)) < 5)
  assert.deepEqual(
    reservation.addrs.map((bytes) => multiaddr(bytes).toString()),
    [relay.address.toString()],
  )
  const envelope = await RecordEnvelope.openAndCertify(reservation.voucher, 'libp2p-relay-rsvp')
  const voucher = decodeVoucher(envelope.payload)
  assert.equal(peerIdFromMultihash(Digest.decode(voucher.peer)).toString(), b.node.peerId.toString())
  assert.equal(peerIdFromMultihash(Digest.decode(voucher.relay)).toString(), relay.node.peerId.toString())
  assert.ok(envelope.publicKey.equals(relay.node.peerId.publicKey))
  assert.equal(voucher.expiration, reservation.expire)
})

test('every refusal has its status and its word', async () => {
  let allow = true
  const relay = await relayNode({ decide: () => ({ allow, limits: {}, why: 'test' }) })
  const [a, b] = [await client(), await client()]
  assert.equal(await status(a.node, relay, connectTo(b.node)), 'NO_RESERVATION')
  assert.equal(await status(a.node, relay, connectTo(a.node)), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, { type: 1 }), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, { type: 1, peer: { id: Uint8Array.of(1, 2), addrs: [] } }), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, Uint8Array.of(0xff, 0xff)), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, {}), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, new Uint8Array(5000)), 'MALFORMED_MESSAGE')
  assert.equal(await status(a.node, relay, { type: 2, status: 100 }), 'UNEXPECTED_MESSAGE')
  allow = false
  assert.equal(await status(a.node, relay, { type: 0 }), 'PERMISSION_DENIED')
  assert.equal(await status(a.node, relay, connectTo(b.node)), 'PERMISSION_DENIED')
  assert.deepEqual(relay.hop.counters().refused, { 'no-reservation': 1, malformed: 6, unexpected: 1, policy: 2 })
})

test('a destination that is gone, silent or unwilling is CONNECTION_FAILED', async () => {
  const relay = await relayNode()
  const [a, b] = [await client(), await destination(relay)]
  b.relay.release(relay.node.peerId.toString())
  assert.equal(await status(a.node, relay, connectTo(b.node)), 'CONNECTION_FAILED')
  const mute = await client()
  assert.equal((await ask(mute.node, relay, { type: 0 })).status, STATUS.OK)
  await mute.node.unhandle(FOREIGN.stop)
  assert.equal(await status(a.node, relay, connectTo(mute.node)), 'CONNECTION_FAILED')
  await mute.node.handle(FOREIGN.stop, () => undefined)
  assert.equal(await status(a.node, relay, connectTo(mute.node)), 'CONNECTION_FAILED')
  assert.equal(relay.hop.counters().refused.unreachable, 3)
  await mute.node.stop()
  await waitUntil(() => relay.hop.reservations().every(({ peer }) => peer !== mute.node.peerId.toString()), { what: 'its place to be given back' })
  assert.equal(await status(a.node, relay, connectTo(mute.node)), 'NO_RESERVATION')
})

test('nobody reserves or connects through another relay', async () => {
  const one = await relayNode()
  const [a, b] = [await client(), await destination(one)]
  // a relay that is itself reached through a relay
  const server = createHopServer({ decide: allowAll })(b.components())
  await server.start()
  const connection = await a.node.dial(through(one, b.node))
  for (const message of [{ type: 0 }, connectTo(one.node)]) {
    const messages = createMessageStream(await connection.newStream(FOREIGN.hop, { runOnLimitedConnection: true }))
    await messages.write(encodeHop(message), forever)
    assert.equal(decodeHop(await messages.read(forever)).status, STATUS.PERMISSION_DENIED)
  }
  assert.deepEqual(server.counters().refused, { 'over-circuit': 2 })
})

test('reservations: rate per peer, places per prefix and in all, renewal always fits', async () => {
  const relay = await relayNode({ quotas: { reservationRate: 3, reservationsPerPrefix: 2 } })
  const [a, b, c] = [await client(), await client(), await client()]
  assert.equal(await status(a.node, relay, { type: 0 }), 'OK')
  assert.equal(await status(b.node, relay, { type: 0 }), 'OK')
  assert.equal(await status(c.node, relay, { type: 0 }), 'RESERVATION_REFUSED')
  assert.equal(await status(a.node, relay, { type: 0 }), 'OK')
  assert.equal(await status(a.node, relay, { type: 0 }), 'OK')
  assert.equal(await status(a.node, relay, { type: 0 }), 'RESERVATION_REFUSED')
  assert.deepEqual(relay.hop.counters().refused, { quota: 1, rate: 1 })
})

test('prefixes follow the address that the front names', async () => {
  const addresses = ['192.0.2.1', '192.0.2.99', '198.51.100.1']
  let next = 0
  const relay = await relayNode({ quotas: { reservationsPerPrefix: 1 }, remoteAddressOf: () => addresses[next++] })
  const results: string[] = []
  for (let i = 0; i < 3; i++) results.push(await status((await client()).node, relay, { type: 0 }))
  assert.deepEqual(results, ['OK', 'RESERVATION_REFUSED', 'OK'])
})

test('circuits: rate, places per peer and per prefix, policy limits', async () => {
  const b = (relay: RelayNode) => destination(relay)
  const a = await client()
  const second = async (options: Parameters<typeof startRelay>[0], reason: string) => {
    const relay = await relayNode(options)
    const to = await b(relay)
    const stream = await open(a.node, relay, to.node)
    assert.equal(await status(a.node, relay, connectTo(to.node)), 'RESOURCE_LIMIT_EXCEEDED', reason)
    assert.deepEqual(relay.hop.counters().refused, { [reason]: 1 })
    stream.abort(new Error('done'))
    for (const connection of a.node.getConnections(to.node.peerId)) await connection.close()
    await waitUntil(() => relay.hop.counters().circuitsNow === 0, { what: 'the circuit to end' })
    return { relay, to }
  }
  for (const quotas of [{ circuitsPerPeer: 1 }, { circuitsPerPrefix: 1 }, { circuits: 1 }]) {
    const { relay, to } = await second({ quotas }, 'quota')
    assert.equal(await status(a.node, relay, connectTo(to.node)), 'OK', 'the place was given back')
  }
  await second({ quotas: { circuitRate: 1 } }, 'rate')
  await second({ quotas: { circuitRatePerPrefix: 1 } }, 'rate')
  await second({ decide: limited({ rate: 1 }) }, 'policy-limit')
  await second({ decide: limited({ concurrent: 1 }) }, 'policy-limit')
})

test('a circuit ends with its bytes', async () => {
  const relay = await relayNode({ decide: limited({ bytes: 1024 * 1024 }) })
  const [a, b] = [await client(), await destination(relay)]
  const stream = await open(a.node, relay, b.node)
  assert.ok(a.node.getConnections(b.node.peerId)[0]?.limits)
  await isCut(stream, 4 * 1024 * 1024)
  await waitUntil(() => relay.hop.counters().circuitsNow === 0, { what: 'the circuit to end' })
  assert.deepEqual(relay.hop.counters().cut, { LIMIT_REACHED: 1 })
})

test('a circuit ends with its time', async () => {
  const relay = await relayNode({ decide: limited({ time: 500 }) })
  const [a, b] = [await client(), await destination(relay)]
  const start = performance.now()
  assert.equal(await status(a.node, relay, connectTo(b.node)), 'OK')
  await waitUntil(() => relay.hop.counters().circuitsNow === 0, { what: 'the circuit to end' })
  assert.ok(performance.now() - start >= 495)
  assert.deepEqual(relay.hop.counters().cut, { LIMIT_REACHED: 1 })
})

test('a limited circuit says so, and the day of its network is counted over circuits', async () => {
  const relay = await relayNode({ decide: limited({ bytes: 500_000, time: 60_000 }), quotas: { limitedBytesPerDay: 600_000 } })
  assert.equal(relay.hop.quotas.lobbyBytes, 500_000)
  assert.equal(relay.hop.quotas.lobbyTime, 60)
  const [a, b] = [await client(), await destination(relay)]
  const stream = await open(a.node, relay, b.node)
  const limits = a.node.getConnections(b.node.peerId)[0]?.limits
  assert.ok(limits?.bytes !== undefined && limits.bytes < 500_000n && limits.bytes > 400_000n)
  assert.ok(limits.seconds !== undefined && limits.seconds <= 60)
  await isCut(stream, 600_000)
  await waitUntil(() => relay.hop.counters().circuitsNow === 0 && a.node.getConnections(b.node.peerId).length === 0, { what: 'the first to end' })
  const again = await open(a.node, relay, b.node)
  await isCut(again, 300_000)
  await waitUntil(() => relay.hop.counters().circuitsNow === 0 && a.node.getConnections(b.node.peerId).length === 0, { what: 'the second to end' })
  await assert.rejects(a.node.dial(through(relay, b.node)), (error) => codeOf(error) === 'LIMIT_REACHED')
  assert.deepEqual(relay.hop.counters().refused, { day: 1 })
  assert.deepEqual(relay.hop.counters().cut, { LIMIT_REACHED: 2 })
})

test('revoking cuts live circuits and takes places back', async () => {
  const denied = new Set<string>()
  const decide: Decide = ({ peer }, may) => ({ allow: !denied.has(`${peer} ${may}`), limits: {}, why: 'test' })
  const relay = await relayNode({ decide })
  const [a, b] = [await client(), await destination(relay)]
  await open(a.node, relay, b.node)
  relay.hop.recheck()
  assert.equal(relay.hop.counters().circuitsNow, 1)
  denied.add(`${a.node.peerId} relay.hop`)
  relay.hop.recheck()
  await waitUntil(() => relay.hop.counters().circuitsNow === 0 && a.node.getConnections(b.node.peerId).length === 0, { ms: 500, what: 'the cut' })
  denied.clear()
  await open(a.node, relay, b.node)
  denied.add(`${b.node.peerId} relay.reserve`)
  relay.hop.recheck()
  await waitUntil(() => relay.hop.counters().circuitsNow === 0, { ms: 500, what: 'the second cut' })
  assert.deepEqual(relay.hop.reservations(), [])
  assert.deepEqual(relay.hop.counters().cut, { ACCESS_DENIED: 2 })
})

test('draining refuses new work and lets circuits end', async () => {
  const relay = await relayNode()
  const [a, b] = [await client(), await destination(relay)]
  const stream = await open(a.node, relay, b.node)
  const drained = relay.hop.drain(5000)
  assert.equal(await status(a.node, relay, { type: 0 }), 'RESERVATION_REFUSED')
  assert.equal(await status(a.node, relay, connectTo(b.node)), 'RESOURCE_LIMIT_EXCEEDED')
  const back = readAll(stream)
  await sendAll(stream, randomBytes(100_000))
  assert.equal((await back).byteLength, 100_000)
  for (const connection of a.node.getConnections(b.node.peerId)) await connection.close()
  await drained
  assert.equal(relay.hop.counters().circuitsNow, 0)
  assert.deepEqual(relay.hop.counters().cut, {})
})
