/** Bytes of the message protocol: what was encoded comes back, and no bytes of a peer get more than a documented code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_TOPIC } from '../../../src/protocols/message/limits.ts'
import { decodeHeader, decodeReceipt, encodeMessage, encodeReceipt, type Header } from '../../../src/protocols/message/wire.ts'
import { toUtf8 } from '../../../src/shared/bytes.ts'
import { createFrameReader } from '../../../src/wire/frame.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const CODES = ['BAD_FRAME', 'UNKNOWN_VERSION'] as const

const header: fc.Arbitrary<Header> = fc.record({
  v: fc.constant(1),
  id: fc.stringMatching(/^[a-z0-9-]{8,64}$/),
  topic: fc.string({ minLength: 1, maxLength: MAX_TOPIC }),
  at: fc.nat(),
  as: fc.constantFrom('t', 'b'),
})

/** A right header with some members missing, of other types, or more than there should be. */
const nearHeader = fc
  .tuple(header, fc.dictionary(fc.constantFrom('v', 'id', 'topic', 'at', 'as', 'x', '__proto__'), fc.jsonValue()))
  .map(([good, over]) => ({
    ...good,
    ...over,
  }))

const frames = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map((text) => toUtf8(text)),
  nearHeader.map((value) => toUtf8(JSON.stringify(value))),
)

test('decodeHeader() and decodeReceipt() give back what was encoded', async () => {
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array({ maxLength: 500 }), async (sent, body) => {
      const reader = createFrameReader(new Blob([...encodeMessage(sent, body), encodeReceipt(sent.id)]).stream())
      assert.deepEqual(decodeHeader((await reader.read(10_000)) ?? new Uint8Array()), { ...sent })
      assert.deepEqual(await reader.read(10_000), body)
      assert.equal(decodeReceipt((await reader.read(10_000)) ?? new Uint8Array()), sent.id)
    }),
    { numRuns: Math.min(FUZZ_RUNS, 1000) },
  )
})

test('decodeHeader() gives a header within its caps, or BAD_FRAME or UNKNOWN_VERSION, for any bytes', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const got = valueOrCode(() => decodeHeader(frame), CODES)
      if (!got) return
      assert.deepEqual(Object.keys(got).sort(), ['as', 'at', 'id', 'topic', 'v'])
      assert.ok(got.v === 1 && got.topic.length >= 1 && got.topic.length <= MAX_TOPIC && /^[a-z0-9-]{8,64}$/.test(got.id))
      assert.ok(Number.isInteger(got.at) && got.at >= 0 && (got.as === 't' || got.as === 'b'))
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('decodeReceipt() gives an id, or BAD_FRAME or UNKNOWN_VERSION, for any bytes', () => {
  const receipts = fc.oneof(
    frames,
    fc
      .record({ v: fc.oneof(fc.constant(1), fc.jsonValue()), id: fc.oneof(fc.string(), fc.jsonValue()) })
      .map((value) => toUtf8(JSON.stringify(value))),
  )
  fc.assert(
    fc.property(receipts, (frame) => {
      const id = valueOrCode(() => decodeReceipt(frame), CODES)
      assert.ok(id === undefined || /^[a-z0-9-]{8,64}$/.test(id))
    }),
    { numRuns: FUZZ_RUNS },
  )
})
