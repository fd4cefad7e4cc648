/** Topics and sealed payloads of pub/sub: what was encoded comes back, other bytes get a documented code, and a topic on the wire tells nothing and collides with nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_DATA } from '../../../src/protocols/pubsub/limits.ts'
import { decodeInside, encodeInside, wireTopic } from '../../../src/protocols/pubsub/wire.ts'
import { concat, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { encodeFrame } from '../../../src/wire/frame.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const CODES = ['BAD_FRAME', 'BAD_VARINT', 'FRAME_TOO_LARGE'] as const
const inside = fc.record({ from: fc.string({ maxLength: 60 }), topic: fc.string({ maxLength: 60 }), at: fc.nat() })

test('decodeInside() gives back what was encoded, as a copy', () => {
  fc.assert(
    fc.property(inside, fc.uint8Array({ maxLength: 300 }), (head, data) => {
      const plain = encodeInside(head, data)
      const got = decodeInside(plain)
      plain.fill(0)
      assert.deepEqual(got, { inside: { ...head }, data })
    }),
    { numRuns: Math.min(FUZZ_RUNS, 1000) },
  )
  assert.equal(decodeInside(encodeInside({ from: 'a', topic: 't', at: 1 }, new Uint8Array(MAX_DATA))).data.byteLength, MAX_DATA)
  assert.throws(
    () => decodeInside(encodeInside({ from: 'a', topic: 't', at: 1 }, new Uint8Array(MAX_DATA + 1))),
    (error) => codeOf(error) === 'FRAME_TOO_LARGE',
  )
})

test('decodeInside() gives a header within its caps, or a documented code, for any bytes', () => {
  const near = fc
    .tuple(inside, fc.dictionary(fc.constantFrom('v', 'from', 'topic', 'at', 'x', '__proto__'), fc.jsonValue()))
    .map(([good, over]) => encodeFrame(toUtf8(JSON.stringify({ v: 1, ...good, ...over }))))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    near,
    fc.tuple(near, fc.uint8Array({ maxLength: 20 })).map((parts) => concat(parts)),
  )
  fc.assert(
    fc.property(bytes, (plain) => {
      const got = valueOrCode(() => decodeInside(plain), CODES)
      if (!got) return
      assert.ok(got.inside.from.length <= 128 && got.inside.topic.length <= 128 && Number.isSafeInteger(got.inside.at) && got.inside.at >= 0)
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('wireTopic() names lobby topics and hashes others; parts cannot be shifted between mesh and topic', async () => {
  assert.equal(await wireTopic('lobby', 'news'), 'lobby/news')
  const some = await Promise.all([
    wireTopic('ab', 'c'),
    wireTopic('a', 'bc'),
    wireTopic('ab', 'd'),
    wireTopic('', 'abc'),
    wireTopic('a"', 'c'),
    wireTopic('a', '"c'),
  ])
  assert.equal(new Set(some).size, some.length)
  for (const topic of some) assert.match(topic, /^[\w-]{43}$/)
  assert.equal(await wireTopic('ab', 'c'), some[0])
})
