/** Used-up memory goes when its last byte was read, and never while anybody may still read it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { discard, isRestOfMessage, markMessage, readOnce, spend } from '../../../src/shared/spent.ts'
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

  it('isRestOfMessage is true for a body behind at most one header, false when another body may lie beside it', () => {
    const message = new Uint8Array(1000)
    assert.equal(isRestOfMessage(message, HEADER), false, 'nobody said that it is one message')
    markMessage(message)
    assert.equal(isRestOfMessage(message, HEADER), true)
    assert.equal(isRestOfMessage(message.subarray(HEADER), HEADER), true)
    assert.equal(isRestOfMessage(message.subarray(1 + HEADER), HEADER), false)
    assert.equal(isRestOfMessage(message.subarray(HEADER, 999), HEADER), false)
  })

  it('markMessage does not take a part of larger memory for a message', () => {
    const slab = new Uint8Array(1000)
    markMessage(slab.subarray(0, 500))
    markMessage(slab.subarray(500))
    assert.equal(isRestOfMessage(slab, HEADER), false)
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
