/** Used-up memory goes when its last byte was read, and never while anybody may still read it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { discard, markMessage, passOn, readOnce, spend } from '../../../src/shared/spent.ts'
import { createFrameReader } from '../../../src/wire/frame.ts'
import { encodeVarint } from '../../../src/wire/varint.ts'

const HEADER = 12

describe('spent memory', () => {
  it('discard empties a buffer, however often it is called', async () => {
    for (let i = 0; i < 3; i++) {
      const { buffer } = new Uint8Array(1000)
      discard(buffer)
      assert.equal(buffer.byteLength, 0)
      discard(buffer)
      // Later the port has noticed that nobody holds its other end.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })

  it('spend frees what readOnce named at its last byte, and not before', () => {
    const bytes = new Uint8Array(100)
    readOnce(bytes)
    spend(bytes.subarray(0, 60))
    assert.equal(bytes.byteLength, 100)
    spend(bytes.subarray(60))
    assert.equal(bytes.buffer.byteLength, 0)
  })

  it('spend leaves memory alone that nobody named, and readOnce does not name what lies before other bytes', () => {
    const bytes = new Uint8Array(100)
    spend(bytes)
    readOnce(bytes.subarray(0, 50))
    spend(bytes)
    assert.equal(bytes.byteLength, 100)
  })

  it('passOn names a message whose bytes all go to one reader, with no more than headers between them', () => {
    const reader = {}
    for (const cuts of [
      [[0, 1000]],
      [[HEADER, 1000]],
      [
        [0, 500],
        [500 + HEADER, 510 + HEADER],
        [510 + 2 * HEADER, 1000],
      ],
    ] as const) {
      const message = new Uint8Array(1000)
      markMessage(message)
      for (const [from, to] of cuts) passOn(message.subarray(from, to), reader, HEADER)
      spend(message.subarray(999))
      assert.equal(message.buffer.byteLength, 0, `${cuts}`)
    }
  })

  it('passOn names no message of which another reader has or may have a part', () => {
    const [one, two] = [{}, {}]
    const cases = [
      [[1 + HEADER, 1000, one]],
      [
        [0, 500, one],
        [500 + HEADER, 1000, two],
      ],
      [
        [0, 500, one],
        [501 + HEADER, 1000, one],
      ],
      [
        [0, 500, one],
        [400, 1000, one],
      ],
      [
        [0, 500, one],
        [500 + HEADER, 600, two],
        [600, 1000, one],
      ],
    ] as const
    for (const cuts of cases) {
      const message = new Uint8Array(1000)
      markMessage(message)
      for (const [from, to, reader] of cuts) passOn(message.subarray(from, to), reader, HEADER)
      spend(message.subarray(999))
      assert.equal(message.byteLength, 1000, `${cuts.map(([from, to]) => [from, to])}`)
    }
  })

  it('markMessage does not take a part of larger memory for a message', () => {
    const slab = new Uint8Array(1000)
    markMessage(slab.subarray(0, 500))
    markMessage(slab.subarray(500))
    passOn(slab, {}, HEADER)
    spend(slab)
    assert.equal(slab.byteLength, 1000)
  })

  it('a frame reader frees named pieces when their bytes were copied out, and gives the frames whole', async () => {
    const body = Uint8Array.from({ length: 300 }, (_, i) => i)
    const [named, other] = [new Uint8Array([...encodeVarint(300), ...body.subarray(0, 200)]), body.slice(200)]
    readOnce(named)
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(named)
        controller.enqueue(other)
      },
    })
    const frames = createFrameReader(pieces)
    assert.deepEqual(await frames.read(300), body)
    assert.equal(named.buffer.byteLength, 0)
    assert.equal(other.byteLength, 100)
  })
})
