/** Varint-length-prefixed frames over web streams, with a cap a frame. The reader keeps what follows a frame, so raw bytes may come after. Must never allocate what a length merely claims. */
import { abortable } from '../shared/async.ts'
import { concat, fromUtf8, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { spend } from '../shared/spent.ts'
import { decodeVarint, encodeVarint } from './varint.ts'

export interface FrameReader {
  /** Next frame, or undefined at a clean end. FRAME_TOO_LARGE above `cap` bytes, BAD_FRAME when the stream ends inside a frame. The caller owns the returned bytes. */
  read(cap: number, signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Next raw chunk (1 byte or more), or undefined at the end. */
  chunk(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Gives the lock back; bytes read ahead are lost. */
  release(): void
  cancel(reason: unknown): Promise<void>
}

/** Takes the lock of `readable`; `release()` gives it back, `cancel()` ends it. */
export function createFrameReader(readable: ReadableStream<Uint8Array>): FrameReader {
  const reader = readable.getReader()
  const pending: Uint8Array[] = []
  let size = 0

  const pull = async (signal: AbortSignal | undefined): Promise<boolean> => {
    const { done, value } = await abortable(reader.read(), signal)
    if (done) return false
    if (value.byteLength > 0) {
      pending.push(value)
      size += value.byteLength
    }
    return true
  }
  /** The first `count` bytes in one new array; what follows stays. One copy, whatever the pieces were. */
  const take = (count: number): Uint8Array<ArrayBuffer> => {
    const out = new Uint8Array(count)
    for (let at = 0; at < count; ) {
      const piece = pending[0] as Uint8Array
      const part = piece.subarray(0, count - at)
      out.set(part, at)
      at += part.byteLength
      if (part.byteLength === piece.byteLength) pending.shift()
      else pending[0] = piece.subarray(part.byteLength)
      spend(part)
    }
    size -= count
    return out
  }
  const readLength = async (signal: AbortSignal | undefined): Promise<number | undefined> => {
    for (;;) {
      const head = size > 0 ? decodeVarint(pending.length === 1 ? (pending[0] as Uint8Array) : concat(pending)) : undefined
      if (head) {
        take(head.length)
        return head.value
      }
      if (await pull(signal)) continue
      if (size === 0) return undefined
      throw new MeshError('BAD_FRAME', 'the stream ended inside a length')
    }
  }

  return {
    async read(cap, signal) {
      const length = await readLength(signal)
      if (length === undefined) return undefined
      if (length > cap) throw new MeshError('FRAME_TOO_LARGE', `frame of ${length} bytes, cap ${cap}`)
      while (size < length) {
        if (!(await pull(signal))) throw new MeshError('BAD_FRAME', `the stream ended after ${size} of ${length} bytes`)
      }
      return take(length)
    },
    async chunk(signal) {
      while (size === 0) if (!(await pull(signal))) return undefined
      const chunk = pending.shift() as Uint8Array
      size -= chunk.byteLength
      return chunk
    },
    release: () => reader.releaseLock(),
    cancel: (reason) => reader.cancel(reason),
  }
}

/** One frame: varint length | body. Copies. */
export function encodeFrame(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([encodeVarint(body.byteLength), body])
}

/** A frame that holds JSON. */
export function encodeJsonFrame(value: unknown): Uint8Array<ArrayBuffer> {
  return encodeFrame(toUtf8(JSON.stringify(value)))
}

/** JSON of a frame as `unknown`: the protocol's own wire.ts checks its shape. BAD_FRAME when it is not UTF-8 JSON. */
export function decodeJson(frame: Uint8Array): unknown {
  const text = fromUtf8(frame)
  if (text === undefined) throw new MeshError('BAD_FRAME', 'frame is not UTF-8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshError('BAD_FRAME', 'frame is not JSON', { cause })
  }
}
