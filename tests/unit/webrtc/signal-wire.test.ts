/** Signalling of a WebRTC connection: what was encoded comes back, and no bytes of a peer get more than BAD_FRAME. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toUtf8 } from '../../../src/shared/bytes.ts'
import { MAX_SIGNAL_FRAME } from '../../../src/transports/webrtc/limits.ts'
import { decodeSignal, encodeSignal, type Signal } from '../../../src/transports/webrtc/signal-wire.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const signal: fc.Arbitrary<Signal> = fc.oneof(
  fc.record({ t: fc.constantFrom('offer' as const, 'answer' as const), sdp: fc.string() }),
  fc.record({
    t: fc.constant('candidate' as const),
    candidate: fc.record(
      {
        candidate: fc.string(),
        sdpMid: fc.option(fc.string({ maxLength: 64 })),
        sdpMLineIndex: fc.option(fc.nat(64)),
        usernameFragment: fc.option(fc.string({ maxLength: 256 })),
      },
      { requiredKeys: ['candidate'] },
    ),
  }),
)

const near = fc
  .tuple(signal, fc.dictionary(fc.constantFrom('t', 'sdp', 'candidate', 'sdpMid', 'toJSON', '__proto__'), fc.jsonValue()))
  .map(([good, over]) => toUtf8(JSON.stringify({ ...good, ...over })))

test('decodeSignal() gives back what encodeSignal() was given', () => {
  fc.assert(
    fc.property(signal, (sent) => assert.deepEqual(decodeSignal(encodeSignal(sent)), JSON.parse(JSON.stringify(sent)))),
    { numRuns: Math.min(FUZZ_RUNS, 10_000) },
  )
})

test('decodeSignal() gives a signal of a known kind with texts, or BAD_FRAME, for any bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(toUtf8), near), (frame) => {
      const got = valueOrCode(() => decodeSignal(frame), ['BAD_FRAME'])
      if (!got) return
      if (got.t !== 'candidate') assert.deepEqual([typeof got.sdp, Object.keys(got).length], ['string', 2])
      else assert.equal(typeof got.candidate.candidate, 'string')
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('decodeSignal() takes no text above the cap of a frame', () => {
  const long = 'x'.repeat(MAX_SIGNAL_FRAME + 1)
  for (const signal of [
    { t: 'offer', sdp: long },
    { t: 'candidate', candidate: { candidate: long } },
  ] as const)
    assert.throws(() => decodeSignal(encodeSignal(signal)), { code: 'BAD_FRAME' })
})
