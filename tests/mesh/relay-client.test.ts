/** Our relay transport as a client: against our hop server and the stock one, over real WebSockets. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { codeOf } from '../../src/shared/errors.ts'
import type { KeepState } from '../../src/transports/relay/keeper.ts'
import { waitUntil } from '../support/wait.ts'
import { type ClientNode, ECHO, readAll, sendAll, serveEcho, startClient, startRelay, startStockClient, startStockRelay, through } from './relay-nodes.ts'

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

/** Keep a reservation until the returned `end()`; `states` collects what was told. */
function keep({ relay }: ClientNode, addresses: readonly string[]) {
  const own = new AbortController()
  const states: KeepState[] = []
  const kept = relay.keep(addresses, { signal: own.signal, onChange: (state) => void states.push(state) })
  const last = () => states.at(-1)?.status
  return { states, last, kept, end: () => own.abort() }
}

async function reserved(of: ClientNode, address: Multiaddr) {
  const keeper = keep(of, [address.toString()])
  await waitUntil(() => keeper.last() === 'reserved', { what: 'a reservation' })
  return keeper
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
  const keeper = await reserved(b, relay.address)
  await serveEcho(b.node)
  assert.deepEqual(b.node.getMultiaddrs().map(String), [`${through(relay, b.node)}`])
  await echoes(a.node, through(relay, b.node), 20 * 1024 * 1024)
  assert.equal(a.node.getConnections(b.node.peerId)[0]?.limits, undefined)
  const { forward, back, circuits } = relay.hop.counters()
  assert.equal(circuits, 1)
  assert.ok(forward > 20 * 1024 * 1024 && back > 20 * 1024 * 1024, `${forward} ${back}`)
  keeper.end()
  await keeper.kept
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

test('a relay that is down at boot is found once it runs', async () => {
  const first = await startRelay()
  const { port } = first
  const privateKey = await generateKeyPair('Ed25519')
  await first.node.stop()
  const b = await client()
  const keeper = keep(b, [`/ip4/127.0.0.1/tcp/${port}/ws`])
  await waitUntil(() => keeper.last() === 'unreachable', { what: 'the first failure' })
  assert.equal(keeper.states.at(-1)?.problem?.code, 'RELAY_UNREACHABLE')
  const relay = await relayNode({ port, privateKey })
  const start = performance.now()
  await waitUntil(() => keeper.last() === 'reserved', { ms: 2000, what: 'a reservation within 2 s' })
  assert.ok(performance.now() - start < 2000)
  assert.equal(keeper.states.at(-1)?.relay, relay.node.peerId.toString())
})

for (const sameKey of [true, false]) {
  test(`reachable again within 2 s of a relay restart with ${sameKey ? 'the same' : 'a new'} key`, async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const before = await startRelay({ privateKey })
    const [a, b] = [await client(), await client()]
    await serveEcho(b.node)
    const keeper = keep(b, [`/ip4/127.0.0.1/tcp/${before.port}/ws`])
    await waitUntil(() => keeper.last() === 'reserved', { what: 'the first reservation' })
    await before.node.stop()
    await waitUntil(() => keeper.last() === 'unreachable', { what: 'the loss to be noticed' })
    assert.deepEqual(b.node.getMultiaddrs(), [])
    const again = await relayNode({ port: before.port, ...(sameKey ? { privateKey } : {}) })
    const start = performance.now()
    await waitUntil(() => keeper.last() === 'reserved', { ms: 2000, what: 'the second reservation' })
    await echoes(a.node, through(again, b.node), 1000)
    const took = performance.now() - start
    assert.ok(took < 2000, `${took} ms`)
  })
}

test('two relays are kept side by side: losing one leaves the other', async () => {
  const [one, two] = [await startRelay(), await relayNode()]
  const [a, b] = [await client(), await client()]
  await serveEcho(b.node)
  const first = await reserved(b, one.address)
  await reserved(b, two.address)
  assert.equal(b.relay.reservations().length, 2)
  await one.node.stop()
  await waitUntil(() => first.last() === 'unreachable', { what: 'the loss of the first' })
  assert.equal(b.relay.reservations().length, 1)
  await echoes(a.node, through(two, b.node), 1000)
})

test('a short reservation is renewed before it ends', async () => {
  const relay = await relayNode({ quotas: { reservationTtl: 3 } })
  const b = await client()
  const keeper = await reserved(b, relay.address)
  await waitUntil(() => relay.hop.counters().reservations >= 3, { ms: 8000, what: 'two renewals' })
  assert.equal(keeper.states.filter(({ status }) => status !== 'reserved' && status !== 'connecting').length, 0)
})

test('a refusal names its code, and a later grant is found by waking', async () => {
  let allow = false
  const relay = await relayNode({ decide: () => ({ allow, limits: {}, why: 'test' }) })
  const b = await client()
  const keeper = keep(b, [relay.address.toString()])
  await waitUntil(() => keeper.last() === 'refused', { what: 'the refusal' })
  assert.equal(keeper.states.at(-1)?.problem?.code, 'ACCESS_DENIED')
  allow = true
  b.relay.wake()
  await waitUntil(() => keeper.last() === 'reserved', { ms: 1000, what: 'the reservation after waking' })
})

test('a relay without hop is refused as such, another key at the address is not trusted', async () => {
  const plain = own(await startStockClient())
  const relay = await relayNode()
  const b = await client()
  const wrong = keep(b, [relay.address.toString().replace(/p2p\/.*/, `p2p/${plain.peerId}`)])
  await waitUntil(() => wrong.last() === 'unreachable', { what: 'the wrong key to be noticed' })
  assert.equal(relay.hop.counters().reservations, 0)
})

test('a stop request from a relay we did not reserve on is refused', async () => {
  const relay = await relayNode()
  const [a, b] = [await client(), await client()]
  const keeper = await reserved(b, relay.address)
  keeper.end()
  await keeper.kept
  // the relay still believes in the reservation, we do not
  assert.equal(relay.hop.reservations().length, 1)
  await assert.rejects(a.node.dial(through(relay, b.node)), (error) => codeOf(error) === 'PEER_UNREACHABLE')
})

test('keeping needs a running libp2p, an address, and room', async () => {
  const { createRelayTransport } = await import('../../src/transports/relay/transport.ts')
  const idle = createRelayTransport()
  const { signal } = new AbortController()
  await assert.rejects(idle.keep(['/ip4/127.0.0.1/tcp/1/ws'], { signal }), (error) => codeOf(error) === 'CLOSED')
  const b = await client()
  await assert.rejects(b.relay.keep([], { signal }), (error) => codeOf(error) === 'BAD_ARGUMENT')
  await assert.rejects(b.relay.keep(['nonsense'], { signal }), (error) => codeOf(error) === 'BAD_ARGUMENT')
})
