/** Reads a stream by lines and by lengths. One reader at a time. Must never hold more than it was asked for and one chunk of the stream. */
import { MeshError } from '../../shared/errors.ts'
import { HttpError, latin1Text } from './wire.ts'

export interface Source {
  /** Up to the empty line, which is not part of it, as Latin-1; undefined when the stream ended before the first byte. HttpError 431 above `cap` bytes, PATH_LOST when it ends inside. Empty lines before it are passed over (RFC 9112 §2.2). */
  head(cap: number): Promise<string | undefined>
  /** One line without its CRLF. HttpError 400 above `cap` bytes. */
  line(cap: number): Promise<string>
  /** What is here, at most `cap` bytes, at least one; undefined at the end. The bytes are the caller's. */
  some(cap: number): Promise<Uint8Array | undefined>
  /** Gives up: nobody reads on. */
  cancel(reason: unknown): Promise<void>
}

const CR = 13
const LF = 10

export function createSource(readable: ReadableStream<Uint8Array>): Source {
  const reader = readable.getReader()
  let held: Uint8Array = new Uint8Array(0)
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read()
    if (done) return false
    held = held.byteLength === 0 ? value : joined(held, value)
    return true
  }
  /** Bytes up to and with the first CRLF after `from`. */
  const upTo = async (end: (from: number) => number, cap: number, tooLong: HttpError): Promise<number | undefined> => {
    for (let from = 0; ; ) {
      const at = end(from)
      if (at >= 0) {
        if (at > cap) throw tooLong
        return at
      }
      if (held.byteLength > cap) throw tooLong
      from = Math.max(0, held.byteLength - 3)
      if (!(await more())) {
        if (held.byteLength === 0) return undefined
        throw new MeshError('PATH_LOST', 'the stream ended inside a message')
      }
    }
  }
  const take = (length: number): Uint8Array => {
    const taken = held.subarray(0, length)
    held = held.subarray(length)
    return taken
  }
  return {
    async head(cap) {
      for (let empty = 0; ; empty++) {
        const at = await upTo(
          (from) => (startsWithLine(held) ? 0 : endOfHead(held, from)),
          cap,
          new HttpError(431, `a head of more than ${cap} bytes`),
        )
        if (at === undefined) return undefined
        if (at > 0) return latin1Text(take(at)).slice(0, -4)
        if (empty > 1) throw new HttpError(400, 'empty lines instead of a message')
        take(2)
      }
    },
    async line(cap) {
      const at = await upTo((from) => endOfLine(held, from), cap, new HttpError(400, `a line of more than ${cap} bytes`))
      if (at === undefined) throw new MeshError('PATH_LOST', 'the stream ended inside a message')
      return latin1Text(take(at)).slice(0, -2)
    },
    async some(cap) {
      while (held.byteLength === 0) if (!(await more())) return undefined
      return take(Math.min(cap, held.byteLength))
    },
    cancel: (reason) => reader.cancel(reason).catch(() => undefined),
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}

function startsWithLine(bytes: Uint8Array): boolean {
  return bytes[0] === CR && bytes[1] === LF
}

/** Index after the first CRLF at or after `from`, or -1. */
function endOfLine(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) if (bytes[at - 1] === CR) return at + 1
  return -1
}

/** Index after the first CRLF CRLF at or after `from`, or -1. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = endOfLine(bytes, from); at >= 0; at = endOfLine(bytes, at)) if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2
  return -1
}
