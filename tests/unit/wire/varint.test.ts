/** Varints and frames: vectors of multiformats/unsigned-varint, round trips, and bytes from hell. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { codeOf } from '../../../src/shared/errors.ts'
import { createFrameReader, decodeJson, encodeFrame, encodeJsonFrame } from '../../../src/wire/frame.ts'
import { decodeVarint, encodeVarint } from '../../../src/wire/varint.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const queue = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = queue.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    },
  })
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((start, i) => bytes.slice(start, at[i] ?? bytes.length))
}

describe('varint', () => {
  it('encodeVarint gives the bytes of the specification', () => {
    for (const [value, hex] of [
      [1, '01'],
      [127, '7f'],
      [128, '8001'],
      [255, 'ff01'],
      [300, 'ac02'],
      [16384, '808001'],
    ] as const) {
      assert.equal(Buffer.from(encodeVarint(value)).toString('hex'), hex)
    }
  })

  it('decodeVarint returns what encodeVarint was given', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = encodeVarint(value)
        assert.deepEqual(decodeVarint(bytes), { value, length: bytes.length })
      }),
      { numRuns },
    )
  })

  it('decodeVarint refuses a form that is not the shortest, and one that is too long', () => {
    for (const hex of ['8000', 'ff00', '80808080808080808001', 'ffffffffffffff7f']) {
      assert.throws(
        () => decodeVarint(Buffer.from(hex, 'hex')),
        (error) => codeOf(error) === 'BAD_VARINT',
        hex,
      )
    }
  })

  it('decodeVarint asks for more when bytes are missing', () => {
    assert.equal(decodeVarint(Uint8Array.of(0x80)), undefined)
    assert.equal(decodeVarint(new Uint8Array()), undefined)
  })
})

describe('frame', () => {
  it('read gives frames back however the bytes were cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), async (bodies, cuts) => {
        const bytes = Buffer.concat(bodies.map((body) => encodeFrame(body)))
        const reader = createFrameReader(streamOf(split(bytes, cuts)))
        for (const body of bodies) assert.deepEqual(await reader.read(300), new Uint8Array(body))
        assert.equal(await reader.read(300), undefined)
      }),
      { numRuns: Math.min(numRuns, 2_000) },
    )
  })

  it('read refuses a frame above its cap before it is there', async () => {
    const reader = createFrameReader(streamOf([encodeVarint(1_000_000)]))
    await assert.rejects(reader.read(1024), (error) => codeOf(error) === 'FRAME_TOO_LARGE')
  })

  it('read says BAD_FRAME when the stream ends inside a frame', async () => {
    await assert.rejects(createFrameReader(streamOf([Uint8Array.of(5, 1, 2)])).read(10), (error) => codeOf(error) === 'BAD_FRAME')
    await assert.rejects(createFrameReader(streamOf([Uint8Array.of(0x80)])).read(10), (error) => codeOf(error) === 'BAD_FRAME')
  })

  it('chunk gives the raw bytes that follow a frame', async () => {
    const reader = createFrameReader(streamOf([Buffer.concat([encodeJsonFrame({ a: 1 }), Buffer.from('tail')])]))
    assert.deepEqual(decodeJson((await reader.read(64)) as Uint8Array), { a: 1 })
    assert.equal(Buffer.from((await reader.chunk()) as Uint8Array).toString(), 'tail')
    assert.equal(await reader.chunk(), undefined)
  })

  it('read of random bytes gives a frame, an end or a documented code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), async (chunks) => {
        const reader = createFrameReader(streamOf(chunks))
        try {
          for (let frame = await reader.read(32); frame; frame = await reader.read(32)) assert.ok(frame.length <= 32)
        } catch (error) {
          assert.ok(['BAD_FRAME', 'BAD_VARINT', 'FRAME_TOO_LARGE'].includes(codeOf(error)), String(error))
        }
      }),
      { numRuns: Math.min(numRuns, 5_000) },
    )
  })
})
