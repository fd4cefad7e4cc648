/** The STUN responder on real sockets: what it answers, what it ignores, its limits and its size. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createStunServer, type StunServer } from '../../../relay-server/stun/server.ts'
import { ATTRIBUTE, decodeStun, encodeStun, TYPE, xorMappedAddress } from '../../../relay-server/stun/wire.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { waitUntil } from '../../support/wait.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)
let server: StunServer
let client: Socket
const answers: Buffer[] = []

const options = { clock: systemClock(), log: silentLog() }
const listen = [{ host: '127.0.0.1', port: 0 }]
const portOf = (of: StunServer, index = 0) => of.addresses[index]?.port as number
const request = (attributes: { type: number; value: Uint8Array }[] = []) =>
  encodeStun({ type: TYPE.BINDING_REQUEST, transaction: randomBytes(12), attributes })

/** A request as browsers send it: a header and nothing else. */
const bare = () => Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)])

before(async () => {
  server = await createStunServer({ ...options, listen, limits: { perPrefix: 1_000_000, total: 1_000_000 } })
  client = createSocket('udp4')
  client.on('message', (data) => answers.push(data))
  client.bind(0, '127.0.0.1')
  await once(client, 'listening')
})
after(async () => {
  client?.close()
  await server?.close()
})

/** The answer to `data`, found by its transaction. */
async function ask(data: Buffer): Promise<Buffer> {
  client.send(data, portOf(server), '127.0.0.1')
  return waitUntil(() => answers.find((answer) => answer.subarray(8, 20).equals(data.subarray(8, 20))), { what: 'an answer' })
}

test('a Binding request gets the address it came from, with FINGERPRINT, at most 3 times as long', async () => {
  for (const data of [bare(), request(), request([{ type: ATTRIBUTE.USERNAME, value: Buffer.from('a:b') }])]) {
    const answer = await ask(data)
    const message = decodeStun(answer)
    assert.equal(message?.type, TYPE.BINDING_SUCCESS)
    assert.deepEqual(
      message?.attributes.map(({ type }) => type),
      [ATTRIBUTE.XOR_MAPPED_ADDRESS, ATTRIBUTE.FINGERPRINT],
    )
    assert.deepEqual(Buffer.from(message?.attributes[0]?.value ?? []), xorMappedAddress(data.subarray(8, 20), '127.0.0.1', client.address().port))
    assert.ok(answer.byteLength <= 3 * data.byteLength)
  }
})

test('an attribute that must be understood and is not gets 420 with its name', async () => {
  const message = decodeStun(await ask(request([{ type: 0x0003, value: Buffer.alloc(4) }])))
  assert.equal(message?.type, TYPE.BINDING_ERROR)
  assert.deepEqual(Buffer.from(message?.attributes[0]?.value ?? []), Buffer.of(0, 0, 4, 20))
  assert.deepEqual(Buffer.from(message?.attributes[1]?.value ?? []), Buffer.of(0, 3))
})

test('everything else is ignored, however it is malformed, and the server goes on', async () => {
  const before = { ...server.counters }
  const sent = answers.length
  const valid = request()
  const samples = [
    Buffer.alloc(0),
    Buffer.of(1),
    Buffer.concat([Buffer.from('000100002112a443', 'hex'), randomBytes(12)]),
    Buffer.concat([Buffer.from('000100042112a442', 'hex'), randomBytes(12)]),
    Buffer.concat([Buffer.from('000100012112a442', 'hex'), randomBytes(13)]),
    Buffer.concat([valid, Buffer.of(0)]),
    encodeStun({ type: TYPE.BINDING_SUCCESS, transaction: randomBytes(12), attributes: [] }),
    encodeStun({ type: 0x0011, transaction: randomBytes(12), attributes: [] }),
    encodeStun({ type: 0x0003, transaction: randomBytes(12), attributes: [] }),
    request([{ type: 0x8022, value: Buffer.alloc(600) }]),
  ]
  for (const sample of samples) client.send(sample, portOf(server), '127.0.0.1')
  await waitUntil(() => server.counters.received === before.received + samples.length, { what: 'all samples' })
  assert.equal(server.counters.malformed - before.malformed, samples.length)
  await ask(bare())
  assert.equal(answers.length, sent + 1)
})

test('datagrams of any content never stop it nor get more than 3 times their size back', async () => {
  const head = fc.constantFrom(Buffer.from('00010000', 'hex'), Buffer.from('00010008', 'hex'), Buffer.from('00010010', 'hex'))
  const almost = fc
    .tuple(head, fc.uint8Array({ minLength: 12, maxLength: 60 }))
    .map(([start, rest]) => Buffer.concat([start, Buffer.from('2112a442', 'hex'), rest]))
  const samples = fc.sample(fc.oneof(fc.uint8Array({ maxLength: 700 }), almost), RUNS).map((bytes) => Buffer.from(bytes))
  const sizes = new Map(
    samples.filter(({ byteLength }) => byteLength >= 20).map((sample) => [sample.subarray(8, 20).toString('hex'), sample.byteLength]),
  )
  for (let at = 0; at < samples.length; at += 100) {
    const before = server.counters.received
    const batch = samples.slice(at, at + 100)
    for (const sample of batch) client.send(sample, portOf(server), '127.0.0.1')
    await waitUntil(() => server.counters.received === before + batch.length, { what: 'a batch' })
  }
  await ask(bare())
  for (const answer of answers) {
    const size = sizes.get(answer.subarray(8, 20).toString('hex'))
    if (size !== undefined) assert.ok(answer.byteLength <= 3 * size)
  }
})

test('one prefix gets so many answers a minute and no more', async () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
  const limited = await createStunServer({ clock, log: silentLog(), listen, limits: { perPrefix: 3 } })
  try {
    const send = async (count: number) => {
      const until = limited.counters.received + count
      for (let i = 0; i < count; i++) client.send(bare(), portOf(limited), '127.0.0.1')
      await waitUntil(() => limited.counters.received === until, { what: 'requests' })
    }
    await send(10)
    assert.deepEqual([limited.counters.answered, limited.counters.limited], [3, 7])
    now = 20_000
    await send(10)
    assert.deepEqual([limited.counters.answered, limited.counters.limited], [4, 16])
  } finally {
    await limited.close()
  }
})

test('IPv6 is answered with the IPv6 address', async () => {
  const both = await createStunServer({ ...options, listen: [...listen, { host: '::1', port: 0 }] })
  const six = createSocket('udp6')
  try {
    six.bind(0, '::1')
    await once(six, 'listening')
    const data = bare()
    six.send(data, portOf(both, 1), '::1')
    const [answer] = (await once(six, 'message')) as [Buffer]
    assert.deepEqual(Buffer.from(decodeStun(answer)?.attributes[0]?.value ?? []), xorMappedAddress(data.subarray(8, 20), '::1', six.address().port))
    assert.ok(answer.byteLength <= 3 * data.byteLength)
  } finally {
    six.close()
    await both.close()
  }
})

test('a taken port is PORT_IN_USE and leaves nothing open', async () => {
  const taken = portOf(server)
  await assert.rejects(createStunServer({ ...options, listen: [...listen, { host: '127.0.0.1', port: taken }] }), { code: 'PORT_IN_USE' })
})
