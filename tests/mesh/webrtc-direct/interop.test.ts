/** Our transport with itself (v1, v2) and with @libp2p/webrtc as published (v1 only), on Node.js. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { createDirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import { formatCerthash } from '../../../src/transports/webrtc-direct/wire.ts'
import { waitUntil } from '../../support/wait.ts'
import { addressOf, ECHO, exchange, type OurNode, ourNode, SINK, stockNode } from './nodes.ts'
import { startVictim } from './stun-flood.ts'

let listener: OurNode
let both: OurNode
let v1: OurNode
let v2: OurNode
let stock: Libp2p

before(async () => {
  ;[listener, both, v1, v2] = await Promise.all([
    ourNode(),
    ourNode({ listen: [] }),
    ourNode({ versions: [1], listen: [] }),
    ourNode({ versions: [2], listen: [] }),
  ])
  stock = await stockNode()
})
after(() => Promise.all([...[listener, both, v1, v2].map((each) => each?.node.stop()), stock?.stop()]))

const data = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) & 0xff)

async function check(connection: Connection): Promise<void> {
  assert.deepEqual(await exchange(connection, ECHO, data), data)
  const many = await Promise.all(Array.from({ length: 20 }, (_, index) => exchange(connection, ECHO, Uint8Array.of(index))))
  assert.deepEqual(
    many.map(([byte]) => byte),
    Array.from({ length: 20 }, (_, index) => index),
  )
  await waitUntil(() => connection.streams.length === 0, { what: 'all streams to end' })
  await connection.close()
}

const opened = ({ events }: OurNode) => events.filter(({ event }) => event === 'webrtc-direct.dial.opened').at(-1)?.fields.version

test('v2 to our listener', async () => {
  const before = listener.door.counters.v2
  await check(await both.node.dial(addressOf(listener.node)))
  assert.equal(opened(both), 2)
  assert.equal(listener.door.counters.v2, before + 1)
})

test('v1 to our listener, on the same port', async () => {
  await check(await v1.node.dial(addressOf(listener.node)))
  assert.equal(opened(v1), 1)
})

test('the stock dialer to our listener', async () => {
  const before = listener.door.counters.v1
  await check(await stock.dial(addressOf(listener.node)))
  assert.equal(listener.door.counters.v1, before + 1)
})

test('our dialer to the stock listener: v1 after v2 got no answer, then v1 at once', async () => {
  await check(await both.node.dial(addressOf(stock)))
  assert.equal(opened(both), 1)
  const start = performance.now()
  await check(await both.node.dial(addressOf(stock)))
  assert.ok(performance.now() - start < 1_400, 'the version that worked was remembered')
})

test('v2 alone never reaches a listener that speaks only v1', async () => {
  await assert.rejects(v2.node.dial(addressOf(stock), { signal: AbortSignal.timeout(2_000) }))
})

test('the other side sees the proved PeerID and the address it came from', async () => {
  const connection = await v2.node.dial(addressOf(listener.node))
  const seen = await waitUntil(() => listener.node.getConnections(v2.node.peerId)[0], { what: 'the inbound connection' })
  assert.match(seen.remoteAddr.toString(), new RegExp(`^/ip4/127\\.0\\.0\\.1/udp/\\d+/webrtc-direct/p2p/${v2.node.peerId}$`))
  assert.equal(connection.remotePeer.toString(), listener.node.peerId.toString())
  await connection.close()
  await waitUntil(() => listener.node.getConnections(v2.node.peerId).length === 0, { what: 'the other side to notice' })
})

test('another PeerID than the address says is KEY_MISMATCH naming both', async () => {
  const wrong = both.node.peerId.toString()
  const address = multiaddr(
    addressOf(listener.node)
      .toString()
      .replace(/p2p\/.*/, `p2p/${wrong}`),
  )
  await assert.rejects(v2.node.dial(address), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'KEY_MISMATCH')
    assert.ok(error.message.includes(wrong) && error.message.includes(listener.node.peerId.toString()))
    return true
  })
})

test('another certificate than the address says is PEER_UNREACHABLE, before any key is shown', async () => {
  const other = formatCerthash(createDirectCertificate().fingerprint)
  const address = multiaddr(
    addressOf(listener.node)
      .toString()
      .replace(/certhash\/[^/]+/, `certhash/${other}`),
  )
  await assert.rejects(v2.node.dial(address), { code: 'PEER_UNREACHABLE' })
})

test('a stream whose connection dies is reset, never ended as if it were whole', async () => {
  const connection = await v2.node.dial(addressOf(listener.node))
  const stream = await connection.newStream(SINK)
  stream.send(new Uint8Array(1000))
  const seen = await waitUntil(() => listener.node.getConnections(v2.node.peerId)[0]?.streams[0], { what: 'the stream' })
  connection.abort(new Error('gone'))
  await waitUntil(() => seen.status === 'reset' || seen.status === 'aborted', { ms: 15_000, what: 'the reset' })
})

test('what was sent before close arrives', async () => {
  for (let i = 0; i < 5; i++) {
    const connection = await v2.node.dial(addressOf(listener.node))
    const answer = exchange(connection, SINK, data)
    assert.equal(new TextDecoder().decode(await answer), String(data.byteLength))
    await connection.close()
  }
})

test('after a restart the address is the same, and the process before it ended by itself', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dmesh-direct-'))
  try {
    const first = await startVictim({ dir })
    const { address } = await first.state()
    await first.stop()
    const second = await startVictim({ dir, listen: [address.replace(/\/certhash.*/, '')] })
    const again = (await second.state()).address
    assert.equal(again.replace(/\/p2p.*/, ''), address.replace(/\/p2p.*/, ''))
    await check(await v2.node.dial(multiaddr(again)))
    await second.stop()
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('a taken port is refused', async () => {
  const listen = [
    addressOf(listener.node)
      .toString()
      .replace(/\/certhash.*/, ''),
  ]
  await assert.rejects(ourNode({ listen }), /InvalidStateError: UDP 127\.0\.0\.1:/)
})

test('two listeners in one process keep their dialers apart', async () => {
  const other = await ourNode()
  const connection = await v2.node.dial(addressOf(other.node))
  assert.equal(connection.remotePeer.toString(), other.node.peerId.toString())
  assert.equal(other.door.counters.accepted, 1)
  await check(connection)
  await other.node.stop()
})

test('IPv6', async () => {
  const six = await ourNode({ listen: ['/ip6/::1/udp/0/webrtc-direct'] })
  await check(await both.node.dial(addressOf(six.node)))
  await six.node.stop()
})
