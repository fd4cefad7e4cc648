/** What an unknown sender can do to the listener with STUN packets alone: nothing. An ICE credential with a wrong character or length ended the process of older listeners (class of CVE-2026-103936). */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, before, test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { waitUntil } from '../../support/wait.ts'
import { ECHO, exchange, ourNode } from './nodes.ts'
import { bindingRequest, openSender, startVictim, type Victim } from './stun-flood.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)
const V1 = 'libp2p+webrtc+v1/'
const V2 = 'libp2p+webrtc+v2/'
/** Short ICE deadline and high rates, so that many packets get as far as they can. */
const LIMITS = { handshakes: 24, handshakesPerPrefix: 24, starts: 1_000_000, startsPerPrefix: 1_000_000, ice: 200 }

let victim: Victim
before(async () => {
  victim = await startVictim({ limits: LIMITS })
})
after(() => victim?.stop())

const portOf = async () => Number(/udp\/(\d+)/.exec((await victim.state()).address)?.[1])

/** Dials the victim in both versions, which proves that it lives and is not full. */
async function proveAlive(): Promise<void> {
  await waitUntil(async () => (await victim.state()).pending === 0, { ms: 20_000, what: 'no handshake in progress' })
  const { address } = await victim.state()
  for (const version of [1, 2] as const) {
    const { node } = await ourNode({ versions: [version], listen: [] })
    try {
      const connection = await node.dial(multiaddr(address))
      assert.deepEqual(await exchange(connection, ECHO, Uint8Array.of(version)), Uint8Array.of(version))
    } finally {
      await node.stop()
    }
  }
}

const BAD: readonly (readonly [string, string | Uint8Array])[] = [
  ['a client password that is too short', `${V2}short:abcd`],
  ['a v1 credential that is too short', `${V1}abc:${V1}abc`],
  ['an empty half', ':'],
  ['an empty client', `${V2}${'a'.repeat(24)}:`],
  ['no separator', `${V2}${'a'.repeat(24)}`],
  ['three halves', `${V2}${'a'.repeat(24)}:abcd:efgh`],
  ['a space', `${V1}${'a'.repeat(24)} :${V1}${'a'.repeat(24)} `],
  ['a line break that would add SDP', `${V2}${'a'.repeat(24)}:abcd\r\na=ice-pwd:x`],
  ['a NUL', Buffer.from(`${V1}${'a'.repeat(24)}\0:${V1}${'a'.repeat(24)}\0`)],
  ['bytes that are no UTF-8', Buffer.from([...Buffer.from(V1), 0xff, 0xfe, ...Buffer.from('a'.repeat(24)), 0x3a, 0xff])],
  ['a version we do not know', `libp2p+webrtc+v3/${'a'.repeat(24)}:abcd`],
  ['no version', `${'a'.repeat(32)}:${'a'.repeat(32)}`],
  ['halves of v1 that differ', `${V1}${'a'.repeat(24)}:${V1}${'b'.repeat(24)}`],
  ['257 characters', `${V1}${'a'.repeat(240)}:${V1}${'a'.repeat(240)}`],
  ['a percent sign', `${V1}%s%n%s%n${'a'.repeat(24)}:${V1}%s%n%s%n${'a'.repeat(24)}`],
]

test('one packet with a wrong credential changes nothing', async () => {
  const sender = await openSender(await portOf())
  try {
    for (const [what, username] of BAD) {
      const { v1, v2, requests } = await victim.state()
      await sender.send(bindingRequest(username))
      // Counted for sure and read in order: once two were counted, the packet before them was read.
      for (let i = 0; i < 2; i++) await sender.send(bindingRequest('sentinel:sentinel'))
      await waitUntil(async () => (await victim.state()).requests >= requests + 2, { what: 'the packet' })
      const now = await victim.state()
      assert.deepEqual([now.v1, now.v2], [v1, v2], what)
    }
  } finally {
    sender.close()
  }
  await proveAlive()
})

test('a right credential without a dialer behind it ends at its deadline', async () => {
  const sender = await openSender(await portOf())
  try {
    for (const username of [`${V1}${'c'.repeat(32)}:${V1}${'c'.repeat(32)}`, `${V2}${'d'.repeat(24)}:abcd`]) {
      const before = await victim.state()
      await sender.send(bindingRequest(username))
      await waitUntil(async () => (await victim.state()).failed === before.failed + 1, { what: 'the deadline' })
    }
  } finally {
    sender.close()
  }
  await proveAlive()
})

test('the listener survives packets of any content', async () => {
  const iceChars = fc.string({ unit: fc.constantFrom(...'abcXYZ019+/'), maxLength: 300 })
  const anyText = fc.oneof(
    iceChars,
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  const prefix = fc.constantFrom(V1, V2, V1, V2, 'libp2p+webrtc+v', '')
  const same = fc.tuple(prefix, anyText).map(([start, rest]) => `${start}${rest}:${start}${rest}`)
  const two = fc.tuple(prefix, anyText, anyText).map(([start, rest, other]) => `${start}${rest}:${other}`)
  const packet = fc.oneof(
    { weight: 6, arbitrary: fc.oneof(same, two, anyText).map((username) => bindingRequest(Buffer.from(username, 'latin1').subarray(0, 512))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc.tuple(two, fc.nat(100), fc.nat(255)).map(([username, at, value]) => mutate(bindingRequest(username.slice(0, 200)), at, value)),
    },
  )
  const port = await portOf()
  const senders = await Promise.all(Array.from({ length: 8 }, () => openSender(port)))
  try {
    const packets = fc.sample(packet, RUNS)
    for (let at = 0; at < packets.length; at += 50) {
      const { requests } = await victim.state()
      for (const [index, data] of packets.slice(at, at + 50).entries()) await senders[index % senders.length]?.send(data)
      // A packet that is always counted, sent last: when it was, the batch was read.
      await senders[0]?.send(bindingRequest('sentinel:sentinel'))
      await waitUntil(async () => (await victim.state()).requests > requests, { what: 'a batch' })
    }
  } finally {
    for (const sender of senders) sender.close()
  }
  const { v1, v2, malformed } = await victim.state()
  assert.ok(v1 > 0 && v2 > 0 && malformed > 0, 'the packets reached every branch')
  await proveAlive()
})

function mutate(data: Buffer, at: number, value: number): Buffer {
  data[at % data.byteLength] = value
  return data
}

test('handshakes in progress are capped', async () => {
  const sender = await openSender(await portOf())
  try {
    const before = await victim.state()
    const count = 4 * LIMITS.handshakes
    for (let i = 0; i < count; i++) await sender.send(bindingRequest(`${V2}${String(i).padStart(24, 'e')}:abcd`))
    await waitUntil(async () => (await victim.state()).limited > before.limited, { what: 'the cap' })
    assert.ok((await victim.state()).pending <= LIMITS.handshakes)
  } finally {
    sender.close()
  }
  await proveAlive()
})
