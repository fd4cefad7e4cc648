/** The circuit-relay-v2 codec: agrees with the stock one both ways, and no bytes can make it throw anything but our errors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex, toHex } from '../../../src/shared/bytes.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import {
  decodeHop,
  decodeStop,
  decodeVoucher,
  encodeHop,
  encodeStop,
  encodeVoucher,
  type HopMessage,
  STATUS,
  statusName,
} from '../../../src/transports/relay/wire.ts'
import { MAX_FIELDS } from '../../../src/wire/protobuf.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)

const bytes = fc.uint8Array({ maxLength: 64 })
const uint = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER))
const peer = fc.record({ id: bytes, addrs: fc.array(bytes, { maxLength: 5 }) })
const limit = fc.record({ duration: fc.option(uint, { nil: undefined }), data: fc.option(uint, { nil: undefined }) })
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const hop = fc.record({
  type: maybe(fc.nat(2)),
  peer: maybe(peer),
  reservation: maybe(fc.record({ expire: uint, addrs: fc.array(bytes, { maxLength: 5 }), voucher: maybe(bytes) })),
  limit: maybe(limit),
  status: maybe(fc.constantFrom(...Object.values(STATUS))),
})

/** Uint8Array and Buffer compare equal, undefined and missing too. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? `hex:${toHex(part)}` : part)))

test('hop, stop and voucher survive encoding and decoding', () => {
  fc.assert(
    fc.property(hop, (message) => assert.deepEqual(plain(decodeHop(encodeHop(message))), plain(message))),
    { numRuns },
  )
  const stop = fc.record({ type: maybe(fc.nat(1)), peer: maybe(peer), limit: maybe(limit), status: maybe(fc.constantFrom(...Object.values(STATUS))) })
  fc.assert(
    fc.property(stop, (message) => assert.deepEqual(plain(decodeStop(encodeStop(message))), plain(message))),
    { numRuns },
  )
  const voucher = fc.record({ relay: bytes, peer: bytes, expiration: uint })
  fc.assert(
    fc.property(voucher, (message) => assert.deepEqual(plain(decodeVoucher(encodeVoucher(message))), plain(message))),
    { numRuns },
  )
})

// Captured from @libp2p/circuit-relay-v2 4.2.13 (protons).
const vectors: readonly [what: string, hex: string, message: HopMessage][] = [
  ['RESERVE', '0800', { type: 0 }],
  ['CONNECT to a peer', '080112050a03aabbcc', { type: 1, peer: { id: Uint8Array.of(0xaa, 0xbb, 0xcc), addrs: [] } }],
  ['STATUS NO_RESERVATION', '080228cc01', { type: 2, status: 204 }],
  ['STATUS OK with limits', '080222080878108080808001' + '2864', { type: 2, limit: { duration: 120, data: 2 ** 28 }, status: 100 }],
]
for (const [what, hex, message] of vectors) {
  test(`${what} has the bytes that other implementations send`, () => {
    assert.equal(toHex(encodeHop(message)), hex)
    assert.deepEqual(plain(decodeHop(fromHex(hex) as Uint8Array)), plain(message))
  })
}

test('no bytes can break the decoders', () => {
  const near = fc.tuple(hop, fc.nat(200), fc.nat(255)).map(([message, at, value]) => {
    const wire = encodeHop(message)
    if (wire.byteLength > 0) wire[at % wire.byteLength] = value
    return wire
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), (wire) => {
      for (const decode of [decodeHop, decodeStop, decodeVoucher]) {
        try {
          decode(wire)
        } catch (error) {
          assert.ok(error instanceof MeshError && error.code === 'BAD_FRAME', String(error))
        }
      }
    }),
    { numRuns },
  )
})

test('a length that runs past the end, too many fields, groups and endless varints are refused', () => {
  const refused = (wire: readonly number[]) => assert.throws(() => decodeHop(Uint8Array.from(wire)), { code: 'BAD_FRAME' })
  refused([0x12, 0x7f, 1])
  refused([0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
  refused(Array.from({ length: 2 * (MAX_FIELDS + 1) }, (_, at) => (at % 2 === 0 ? 0x50 : 0)))
  refused([0x0b])
  refused([0x08, ...Array<number>(10).fill(0x80), 0])
  refused([0x00, 0x00])
  refused([0x08, 0x80])
  refused([0x80, 0x80, 0x80, 0x80, 0x10, 0]) // field number 2^29
  assert.deepEqual(plain(decodeHop(Uint8Array.from(Array.from({ length: 2 * MAX_FIELDS }, (_, at) => (at % 2 === 0 ? 0x50 : 0))))), {})
})

test('what a decoder gives is a copy: the message may be written over', () => {
  const message = {
    peer: { id: Uint8Array.of(1), addrs: [Uint8Array.of(2)] },
    reservation: { expire: 3, addrs: [Uint8Array.of(4)], voucher: Uint8Array.of(5) },
  }
  const wire = encodeHop(message)
  const got = decodeHop(wire)
  wire.fill(0xff)
  assert.deepEqual(plain(got), plain(message))
  const voucher = { relay: Uint8Array.of(6), peer: Uint8Array.of(7), expiration: 8 }
  const payload = encodeVoucher(voucher)
  const decoded = decodeVoucher(payload)
  payload.fill(0xff)
  assert.deepEqual(plain(decoded), plain(voucher))
})

test('a voucher that lacks a part is refused, a reservation without an end has ended', () => {
  for (const hex of ['120107' + '1808', '0a0106' + '1808', '0a0106' + '120107', ''])
    assert.throws(() => decodeVoucher(fromHex(hex) as Uint8Array), { code: 'BAD_FRAME' })
  assert.equal(decodeHop(Uint8Array.of(0x1a, 0)).reservation?.expire, 0)
})

test('of a repeated field the last one of the right kind counts', () => {
  assert.equal(decodeHop(fromHex('0801' + '0a0109') as Uint8Array).type, 1)
  assert.deepEqual(plain(decodeHop(fromHex('12030a0107' + '12030a0108' + '1005') as Uint8Array).peer), { id: 'hex:08', addrs: [] })
})

test('unknown fields of every width are skipped, the last of a repeated one counts, uint64 saturates', () => {
  const wire = [0x50, 5, 0x59, ...Array<number>(8).fill(1), 0x5d, 1, 2, 3, 4, 0x62, 2, 9, 9, 0x08, 0, 0x08, 2]
  assert.deepEqual(plain(decodeHop(Uint8Array.from(wire))), { type: 2 })
  const huge = [0x22, 0x0b, 0x10, ...Array<number>(9).fill(0xff), 0x01]
  assert.equal(decodeHop(Uint8Array.from(huge)).limit?.data, Number.MAX_SAFE_INTEGER)
})

test('every status has its name', () => {
  assert.equal(statusName(204), 'NO_RESERVATION')
  assert.equal(statusName(999), '999')
  assert.equal(statusName(undefined), 'undefined')
})
