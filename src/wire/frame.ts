/** Varint-length-prefixed frames over web streams, with a cap a frame. The reader keeps what follows a frame, so raw bytes may come after. Must never allocate what a length merely claims. */
import { abortable } from '../shared/async.ts'
import { concat, fromUtf8, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
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

export function createFrameReader(readable: ReadableStream<Uint8Array>): FrameReader {
  const reader = readable.getReader()
  let pending: Uint8Array[] = []
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
  const flat = (): Uint8Array => {
    if (pending.length !== 1) pending = [concat(pending)]
    return pending[0] as Uint8Array
  }
  const drop = (count: number) => {
    const rest = flat().subarray(count)
    size = rest.byteLength
    pending = size > 0 ? [rest] : []
  }

  return {
    async read(cap, signal) {
      let head = size > 0 ? decodeVarint(flat()) : undefined
      while (!head) {
        if (!(await pull(signal))) {
          if (size === 0) return undefined
          throw new MeshError('BAD_FRAME', 'the stream ended inside a length')
        }
        head = decodeVarint(flat())
      }
      if (head.value > cap) throw new MeshError('FRAME_TOO_LARGE', `frame of ${head.value} bytes, cap ${cap}`)
      while (size < head.length + head.value) {
        if (!(await pull(signal))) throw new MeshError('BAD_FRAME', `the stream ended after ${size - head.length} of ${head.value} bytes`)
      }
      const frame = new Uint8Array(flat().subarray(head.length, head.length + head.value)) // copies, also from a Buffer, whose slice() does not
      drop(head.length + head.value)
      return frame
    },
    async chunk(signal) {
      while (size === 0) if (!(await pull(signal))) return undefined
      const chunk = flat()
      drop(chunk.byteLength)
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
