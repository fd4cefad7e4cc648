/** Our relay transport as a client: against our hop server and the stock one, over real WebSockets. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { codeOf } from '../../src/shared/errors.ts'
import { waitUntil } from '../support/wait.ts'
import {
  type ClientNode,
  ECHO,
  readAll,
  sendAll,
  serveEcho,
  startClient,
  startRelay,
  startStockClient,
  startStockRelay,
  through,
} from './relay-nodes.ts'

const opened: { stop(): unknown }[] = []
after(async () => {
  await Promise.all(opened.map((node) => node.stop()))
})

function own<T extends Libp2p>(node: T): T {
  opened.push(node)
  return node
}

async function client(): Promise<ClientNode> {
  const made = await startClient()
  own(made.node)
  return made
}

async function relayNode(options: Parameters<typeof startRelay>[0] = {}) {
  const made = await startRelay(options)
  own(made.node)
  return made
}

const forever = new AbortController().signal

/** Dial and reserve as the mesh's keeper does. */
async function reserved(of: ClientNode, address: Multiaddr): Promise<string> {
  const { remotePeer } = await of.node.dial(address)
  const { until } = await of.relay.reserve(remotePeer.toString(), forever)
  assert.ok(until > Date.now())
  return remotePeer.toString()
}

async function echoes(from: Libp2p, to: Multiaddr, bytes: number): Promise<void> {
  const connection = await from.dial(to)
  const stream = await connection.newStream(ECHO, { runOnLimitedConnection: true })
  const data = randomBytes(bytes)
  const back = readAll(stream)
  await sendAll(stream, data)
  const hash = (of: Uint8Array) => createHash('sha256').update(of).digest('hex')
  assert.equal(hash(await back), hash(data))
}

test('two of our clients meet through our relay: 20 MiB there and back, hash equal', async () => {
  const relay = await relayNode()
  const [a, b] = [await client(), await client()]
  const id = await reserved(b, relay.address)
  await serveEcho(b.node)
  assert.deepEqual(b.node.getMultiaddrs().map(String), [`${through(relay, b.node)}`])
  await echoes(a.node, through(relay, b.node), 20 * 1024 * 1024)
  assert.equal(a.node.getConnections(b.node.peerId)[0]?.limits, undefined)
  const { forward, back, circuits } = relay.hop.counters()
  assert.equal(circuits, 1)
  assert.ok(forward > 20 * 1024 * 1024 && back > 20 * 1024 * 1024, `${forward} ${back}`)
  b.relay.release(id)
  assert.deepEqual(b.node.getMultiaddrs(), [])
})

test('our client works with the stock server, both as listener and as dialer', async () => {
  const relay = await startStockRelay()
  own(relay.node)
  const [a, b] = [await client(), await client()]
  await reserved(b, relay.address)
  await serveEcho(b.node)
  await echoes(a.node, through(relay, b.node), 1024 * 1024)
})

test('our client and the stock client meet through our relay, either way round', async () => {
  const relay = await relayNode()
  const ours = await client()
  const stock = own(await startStockClient([`${relay.address}/p2p-circuit`]))
  await reserved(ours, relay.address)
  await Promise.all([serveEcho(ours.node), serveEcho(stock)])
  await echoes(ours.node, through(relay, stock), 1024 * 1024)
  for (const connection of stock.getConnections(ours.node.peerId)) await connection.close()
  await echoes(stock, through(relay, ours.node), 1024 * 1024)
})

test('a client starts without any relay and reserves once one runs', async () => {
  const b = await client()
  assert.deepEqual(b.node.getMultiaddrs(), [])
  const relay = await relayNode()
  await assert.rejects(b.relay.reserve(relay.node.peerId.toString(), forever), (error) => codeOf(error) === 'RELAY_UNREACHABLE')
  await reserved(b, relay.address)
  assert.equal(b.node.getMultiaddrs().length, 1)
})

for (const sameKey of [true, false]) {
  test(`reachable again within 2 s of a relay restart with ${sameKey ? 'the same' : 'a new'} key`, async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const before = await startRelay({ privateKey })
    const [a, b] = [await client(), await client()]
    await serveEcho(b.node)
    await reserved(b, before.address)
    await before.node.stop()
    await waitUntil(() => b.relay.reservations().length === 0, { what: 'the loss to be noticed' })
    assert.deepEqual(b.node.getMultiaddrs(), [])
    const again = await relayNode({ port: before.port, ...(sameKey ? { privateKey } : {}) })
    const start = performance.now()
    await reserved(b, again.address)
    await echoes(a.node, through(again, b.node), 1000)
    const took = performance.now() - start
    assert.ok(took < 2000, `${took} ms`)
  })
}

test('two relays are held side by side: losing one leaves the other', async () => {
  const [one, two] = [await startRelay(), await relayNode()]
  const [a, b] = [await client(), await client()]
  await serveEcho(b.node)
  await reserved(b, one.address)
  await reserved(b, two.address)
  assert.equal(b.relay.reservations().length, 2)
  await one.node.stop()
  await waitUntil(() => b.relay.reservations().length === 1, { what: 'the loss of the first' })
  await echoes(a.node, through(two, b.node), 1000)
})

test('renewing keeps the place and moves its end', async () => {
  const relay = await relayNode({ quotas: { reservationTtl: 100, reservations: 1, reservationRate: 1000 } })
  const b = await client()
  const id = await reserved(b, relay.address)
  const [first] = b.relay.reservations()
  await waitUntil(async () => (await b.relay.reserve(id, forever)).until > (first?.expires ?? 0), { ms: 3000, what: 'a later end' })
  assert.equal(b.relay.reservations().length, 1)
  assert.equal(b.node.getMultiaddrs().length, 1)
  assert.equal(relay.hop.counters().reservationsNow, 1)
})

test('a refusal names its code', async () => {
  const denied = await relayNode({ decide: () => ({ allow: false, limits: {}, why: 'test' }) })
  const full = await relayNode({ quotas: { reservations: 0 } })
  const b = await client()
  await assert.rejects(reserved(b, denied.address), (error) => codeOf(error) === 'ACCESS_DENIED')
  await assert.rejects(reserved(b, full.address), (error) => codeOf(error) === 'RELAY_FULL')
})

test('a peer that is no relay is told apart', async () => {
  const stock = await startStockRelay()
  own(stock.node)
  await stock.node.unhandle('/libp2p/circuit/relay/0.2.0/hop')
  const b = await client()
  await assert.rejects(reserved(b, stock.address), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
})

test('a relay that never answers costs the deadline of the caller, no more', async () => {
  const stock = await startStockRelay()
  own(stock.node)
  await stock.node.unhandle('/libp2p/circuit/relay/0.2.0/hop')
  await stock.node.handle('/libp2p/circuit/relay/0.2.0/hop', () => undefined)
  const b = await client()
  const { remotePeer } = await b.node.dial(stock.address)
  await assert.rejects(b.relay.reserve(remotePeer.toString(), AbortSignal.timeout(100)), (error) => codeOf(error) === 'TIMEOUT')
})

test('a stop request from a relay we gave our place back to is refused', async () => {
  const relay = await relayNode()
  const [a, b] = [await client(), await client()]
  b.relay.release(await reserved(b, relay.address))
  // the relay still believes in the reservation, we do not
  assert.equal(relay.hop.reservations().length, 1)
  await assert.rejects(a.node.dial(through(relay, b.node)), (error) => codeOf(error) === 'PEER_UNREACHABLE')
})

test('no place before libp2p runs or after it stopped', async () => {
  const b = await startClient()
  const relay = await relayNode()
  const id = await reserved(b, relay.address)
  await b.node.stop()
  await assert.rejects(b.relay.reserve(id, forever), (error) => codeOf(error) === 'CLOSED')
  assert.deepEqual(b.relay.reservations(), [])
})
