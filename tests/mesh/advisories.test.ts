/** Attacks that were published against the libraries below us and programs like ours (docs/advisories.md), sent to a running relay: it answers everybody else afterwards. */
import assert from 'node:assert/strict'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, it } from 'node:test'
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PeerStore } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import type { Relay } from '../../relay-server/relay.ts'
import { concat } from '../../src/shared/bytes.ts'
import { createMessageStream } from '../../src/transports/relay/message-stream.ts'
import { encodeHop } from '../../src/transports/relay/wire.ts'
import { FOREIGN, PROTOCOL } from '../../src/wire/ids.ts'
import { bytesField, numberField } from '../../src/wire/protobuf.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'
import { type EvilNode, startEvil } from './evil-node.ts'

let relay: Relay & { end(): Promise<void> }
const evil: EvilNode[] = []
before(async () => {
  relay = await startTestRelay({ args: ['--udp', 'off'] })
})
after(async () => {
  await Promise.all(evil.map(({ node }) => node.stop()))
  await relay?.end()
})

async function attacker(...args: Parameters<typeof startEvil>): Promise<EvilNode> {
  const made = await startEvil(...args)
  evil.push(made)
  return made
}

const relayAddress = () => multiaddr(relay.addresses[0] as string)

/** Two peers that come now meet through the relay. */
async function proveAlive(): Promise<void> {
  const origin = `http://127.0.0.1:${relay.port}`
  const [a, b] = [await startTestPeer({ origin, name: 'Ana' }), await startTestPeer({ origin, name: 'Ben' })]
  try {
    await waitUntil(() => a.mesh.peers.some(({ id }) => id === b.mesh.peer), { what: 'each other' })
    const stream = await a.mesh.open(b.mesh.peer, PROTOCOL.echo)
    stream.abort()
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

/** RSA keys whose DER lies about its lengths, nests without end, or is larger than anybody uses. */
const HOSTILE_DER: readonly (readonly [string, Uint8Array])[] = [
  ['a length of 2^32', Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02)],
  ['a length of 2^1016', Uint8Array.of(0x02, 0xff, ...new Uint8Array(127).fill(0xff))],
  ['a bit string of 2^53 bytes', Uint8Array.of(0x03, 0x87, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ['an object identifier of 2^31 bytes', Uint8Array.of(0x06, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x01)],
  ['an indefinite length', Uint8Array.of(0x30, 0x80, 0x02, 0x80, 0x01)],
  ['sequences in sequences', new Uint8Array(7_000).map((_, at) => (at % 2 === 0 ? 0x30 : 0x00))],
  ['an integer of 56 000 bits', Uint8Array.of(0x30, 0x82, 0x1b, 0x5c, 0x02, 0x82, 0x1b, 0x58, ...new Uint8Array(7_000).fill(0xff))],
]

const rsa = (der: Uint8Array) => concat([Uint8Array.of(0x08, 0x00), bytesField(2, der)])

it('a public key whose DER lies costs no time', () => {
  for (const [what, der] of HOSTILE_DER) {
    const before = process.cpuUsage()
    assert.throws(() => publicKeyFromProtobuf(rsa(der)), what)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 250_000, `${what}: ${user + system} µs`)
  }
})

it('such keys in an identify answer leave the relay as it was', async () => {
  for (const [, der] of HOSTILE_DER) {
    const mallory = await attacker(() => [{ publicKey: rsa(der) }])
    await mallory.node.dial(relayAddress())
    await waitUntil(() => mallory.asked() > 0, { what: 'the question' })
  }
  await proveAlive()
})

it('addresses and protocols without end are kept no longer nor larger than one message', async () => {
  let store: PeerStore | undefined
  const look = (components: { peerStore: PeerStore }) => {
    store = components.peerStore
    return {}
  }
  const victim = await startTestMesh(() => [], { kind: 'relay', services: { look } })
  try {
    const flood = (round: number) => ({
      listenAddrs: Array.from({ length: 300 }, (_, i) => multiaddr(`/ip4/10.${round}.${i >> 8}.${i & 255}/tcp/1`).bytes),
      protocols: Array.from({ length: 150 }, (_, i) => `/flood/${round}/${i}`),
    })
    const size = async ({ node }: EvilNode) => {
      const kept = await store?.get(node.peerId).catch(() => undefined)
      return kept ? kept.addresses.reduce((sum, one) => sum + one.multiaddr.bytes.byteLength, 0) + kept.protocols.join('').length : -1
    }
    for (const frames of [1, 30]) {
      const mallory = await attacker(() => Array.from({ length: frames }, (_, i) => flood(i)))
      await mallory.node.dial(multiaddr(victim.address))
      await assert.rejects(mallory.node.dialProtocol(multiaddr(victim.address), FOREIGN.identifyPush), 'nobody may push more later')
      await waitUntil(() => mallory.asked() > 0, { what: 'the question' })
      await waitUntil(async () => (await size(mallory)) > 300 * 8, { what: 'what it said to be kept' })
      assert.ok((await size(mallory)) <= 10 * 8_192, `${await size(mallory)} bytes`)
      await mallory.node.stop()
      await waitUntil(async () => (await size(mallory)) === -1, { what: 'it to be forgotten' })
    }
  } finally {
    await victim.close()
  }
})

it('a signed record that names somebody else, or was signed by somebody else, changes nothing for them', async () => {
  let store: PeerStore | undefined
  const look = (components: { peerStore: PeerStore }) => {
    store = components.peerStore
    return {}
  }
  const victim = await startTestMesh(() => [], { services: { look } })
  try {
    const named = await attacker(() => [])
    const addresses = [multiaddr('/ip4/127.0.0.1/tcp/9/ws')]
    const mine = await attacker(async (privateKey) => {
      const record = new PeerRecord({ peerId: named.node.peerId, multiaddrs: addresses })
      return [{ signedPeerRecord: (await RecordEnvelope.seal(record, privateKey)).marshal() }]
    })
    const theirs = await attacker(async () => {
      const record = new PeerRecord({ peerId: peerIdFromPrivateKey(named.privateKey), multiaddrs: addresses })
      return [{ signedPeerRecord: (await RecordEnvelope.seal(record, named.privateKey)).marshal() }]
    })
    for (const each of [mine, theirs]) {
      await each.node.dial(multiaddr(victim.address))
      await waitUntil(() => each.asked() > 0, { what: 'the question' })
    }
    await waitUntil(() => victim.mesh.connections() === 2, { what: 'both connections' })
    const known = (await store?.all()) ?? []
    assert.ok(known.every(({ id }) => !id.equals(named.node.peerId)))
    assert.ok(known.every(({ addresses: kept }) => kept.every(({ isCertified }) => !isCertified)))
  } finally {
    await victim.close()
  }
})

it('lengths that would be negative, endless or huge end one stream and nothing else', async () => {
  const mallory = await attacker(() => [])
  await mallory.node.dial(relayAddress())
  const lengths = [
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), // -1 in 32 bits
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), // -1 in 64 bits
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08), // -2^31
    new Uint8Array(64).fill(0xff),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07), // 2^31 - 1
  ]
  for (const protocol of [FOREIGN.hop, PROTOCOL.presence, PROTOCOL.message, PROTOCOL.why, FOREIGN.ping]) {
    for (const length of lengths) {
      const stream = await mallory.node.dialProtocol(relayAddress(), protocol).catch(() => undefined)
      if (!stream) continue
      // Some are refused before a byte is read: that is an end too.
      if (stream.status === 'open') stream.send(concat([length, new Uint8Array(100)]))
      await stream.close().catch(() => undefined)
    }
  }
  await proveAlive()
})

it('no peer can make the relay connect anywhere', async () => {
  let reached = 0
  const canary = createServer((socket) => {
    reached++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(canary, 'listening')
  const udp: UdpSocket = createSocket('udp4')
  udp.on('message', () => reached++).bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const { port } = canary.address() as { port: number }
  const texts = ['127.0.0.1', '127.1.2.3', '0.0.0.0'].flatMap((host) => [`/ip4/${host}/tcp/${port}/ws`, `/ip4/${host}/tcp/${port}`])
  texts.push(`/ip6/::ffff:7f00:1/tcp/${port}/ws`, `/dns4/localhost/tcp/${port}/ws`, `/ip4/127.0.0.1/udp/${udp.address().port}/quic-v1`)
  const addresses = texts.map((text) => multiaddr(text).bytes)
  try {
    const target = await attacker(() => [])
    const mallory = await attacker(async (privateKey) => {
      const record = new PeerRecord({ peerId: peerIdFromPrivateKey(privateKey), multiaddrs: texts.map((text) => multiaddr(text)) })
      const signedPeerRecord = (await RecordEnvelope.seal(record, privateKey)).marshal()
      return [{ listenAddrs: addresses, signedPeerRecord, protocols: [FOREIGN.hop, '/libp2p/autonat/1.0.0', '/libp2p/dcutr'] }]
    })
    await mallory.node.dial(relayAddress())
    const id = target.node.peerId.toMultihash().bytes
    const ask = async (bytes: Uint8Array) => {
      const messages = createMessageStream(await mallory.node.dialProtocol(relayAddress(), FOREIGN.hop))
      await messages.write(bytes, AbortSignal.timeout(5_000))
      await messages.read(AbortSignal.timeout(5_000)).catch(() => undefined)
    }
    await ask(encodeHop({ type: 0 }))
    await ask(encodeHop({ type: 1, peer: { id, addrs: addresses } }))
    await ask(concat([numberField(1, 0), bytesField(2, concat([bytesField(1, id), ...addresses.map((one) => bytesField(2, one))]))]))
    for (const protocol of ['/libp2p/autonat/1.0.0', '/libp2p/autonat/2/dial-request', '/libp2p/dcutr', '/ipfs/kad/1.0.0', '/http/1.1', '/x/http'])
      await assert.rejects(mallory.node.dialProtocol(relayAddress(), protocol), protocol)
    await proveAlive()
    assert.equal(reached, 0)
  } finally {
    canary.close()
    udp.close()
  }
})
