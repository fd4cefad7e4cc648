/** The content of HTTP/1.1 messages (RFC 9112 §6, §7): by length, by chunks, or to the end of the stream. Trailers are read and thrown away. Must never hold a whole body. */
import { MeshError } from '../../shared/errors.ts'
import { BODY_PIECE, MAX_CHUNK_DIGITS, MAX_CHUNK_LINE, MAX_FIELDS } from './limits.ts'
import type { Source } from './source.ts'
import { type Framing, HttpError, latin1Bytes, parseFields } from './wire.ts'

/** The next bytes of a body, which are the caller's; undefined at its end, and ever after. PATH_LOST when the stream ends first. */
export type Pull = () => Promise<Uint8Array | undefined>

export function readBody(source: Source, framing: Framing): Pull {
  if (framing === 'until end') return () => source.some(BODY_PIECE)
  return framing === 'chunked' ? readChunks(source) : readLength(source, framing)
}

function readLength(source: Source, length: number): Pull {
  let left = length
  return async () => {
    if (left === 0) return undefined
    const bytes = await source.some(Math.min(left, BODY_PIECE))
    if (!bytes) throw new MeshError('PATH_LOST', `the stream ended ${left} bytes before its message`)
    left -= bytes.byteLength
    return bytes
  }
}

function readChunks(source: Source): Pull {
  let chunk: Pull | undefined
  let ended = false
  return async () => {
    while (!ended) {
      const bytes = await chunk?.()
      if (bytes) return bytes
      // The data of a chunk is followed by CRLF.
      if (chunk && (await source.line(2)) !== '') throw new HttpError(400, 'a chunk is longer than it said')
      const size = sizeOf(await source.line(MAX_CHUNK_LINE))
      chunk = readLength(source, size)
      if (size > 0) continue
      await skipTrailers(source)
      ended = true
    }
    return undefined
  }
}

/** Extensions mean nothing to anybody (RFC 9112 §7.1.1). */
function sizeOf(line: string): number {
  const [, digits = ''] = /^([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? []
  const short = digits.replace(/^0+(?=.)/, '')
  if (digits === '' || short.length > MAX_CHUNK_DIGITS) throw new HttpError(400, 'not the size of a chunk')
  return Number.parseInt(short, 16)
}

async function skipTrailers(source: Source): Promise<void> {
  for (let count = 0; ; count++) {
    const line = await source.line(MAX_CHUNK_LINE * 32)
    if (line === '') return
    if (count >= MAX_FIELDS) throw new HttpError(431, `more than ${MAX_FIELDS} trailer fields`)
    parseFields([line])
  }
}

/** Reads away what nobody wanted. False when more than `cap` bytes are left. */
export async function drain(pull: Pull, cap: number): Promise<boolean> {
  for (let size = 0; size <= cap; ) {
    const bytes = await pull()
    if (!bytes) return true
    size += bytes.byteLength
  }
  return false
}

/** A body as a web stream; `done` is called once, with what went wrong or undefined, when it was read to the end, failed or was cancelled. */
export function toStream(pull: Pull, done: (error?: unknown) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const bytes = await pull()
          if (bytes) controller.enqueue(bytes as Uint8Array<ArrayBuffer>)
          else {
            controller.close()
            done()
          }
        } catch (error) {
          controller.error(error)
          done(error)
        }
      },
      cancel: (reason) => done(reason ?? new MeshError('ABORTED', 'the body was not wanted')),
    },
    { highWaterMark: 0 },
  )
}

/** Writes a body as `framing` says. BAD_ARGUMENT when it is not as long as promised. Leaves the writer open; on failure the source is cancelled. */
export async function writeBody(writer: WritableStreamDefaultWriter<Uint8Array>, body: ReadableStream<Uint8Array>, framing: Framing): Promise<void> {
  const reader = body.getReader()
  let left = typeof framing === 'number' ? framing : Number.POSITIVE_INFINITY
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (!(value instanceof Uint8Array)) throw new MeshError('BAD_ARGUMENT', 'a body is made of bytes')
      left -= value.byteLength
      if (left < 0) throw new MeshError('BAD_ARGUMENT', 'the body is longer than its Content-Length')
      for (let at = 0; at < value.byteLength; at += BODY_PIECE) {
        const piece = value.subarray(at, at + BODY_PIECE)
        await writer.write(framing === 'chunked' ? asChunk(piece) : piece)
      }
    }
    if (Number.isFinite(left) && left > 0) throw new MeshError('BAD_ARGUMENT', `the body is ${left} bytes shorter than its Content-Length`)
    if (framing === 'chunked') await writer.write(latin1Bytes('0\r\n\r\n'))
  } catch (error) {
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
}

function asChunk(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = latin1Bytes(`${piece.byteLength.toString(16)}\r\n`)
  const chunk = new Uint8Array(size.byteLength + piece.byteLength + 2)
  chunk.set(size)
  chunk.set(piece, size.byteLength)
  chunk.set([13, 10], size.byteLength + piece.byteLength)
  return chunk
}
