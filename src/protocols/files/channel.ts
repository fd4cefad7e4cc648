/** One transfer's stream as frames with deadlines, and its two ends: well, or with the reason told to the other side. Owns the stream. */
import type { PeerStream } from '../../core/peer-stream.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import type { Clock } from '../../shared/clock.ts'
import { type ErrorCode, MeshError, toMeshError } from '../../shared/errors.ts'
import { createFrameReader, encodeFrame } from '../../wire/frame.ts'
import { encodeVarint } from '../../wire/varint.ts'
import { GOODBYE_MS, SMALL_FRAME } from './limits.ts'

export interface Channel {
  /** Next frame of at most `cap` bytes, yours to keep. PATH_LOST when the stream ended, TIMEOUT after `ms`. Without `ms` the signal alone ends it. */
  read(cap: number, what: string, signal: AbortSignal, ms?: number): Promise<Uint8Array<ArrayBuffer>>
  /** `body` must not change until this settles. TIMEOUT when the other side takes nothing for `ms`. */
  write(body: Uint8Array, what: string, signal: AbortSignal, ms: number): Promise<void>
  writeJson(value: unknown, what: string, signal: AbortSignal, ms: number): Promise<void>
  /** Half-close, wait for the other side's, then reset whatever is left. Never rejects. */
  end(): Promise<void>
  /** Tell the other side the code, if it can still hear, then as `end()`. Never rejects. */
  fail(error: MeshError): Promise<void>
}

/** Codes with which nobody is left to be told. */
const DEAD: ReadonlySet<ErrorCode> = new Set(['STREAM_RESET', 'PATH_LOST'])

/** What the other side's `stop` means here. Thrown so that it is told apart from our own reasons: it needs no answer. */
const remote = new WeakSet<MeshError>()

/** A MeshError for a `stop` frame: its code, with a sentence that says whose fault it was. */
export function remoteStop(code: ErrorCode): MeshError {
  const error = new MeshError(code, STOP_SENTENCES[code] ?? `the other side stopped with ${code}`)
  remote.add(error)
  return error
}

/** True for what `remoteStop()` made. */
export function isRemoteStop(error: unknown): boolean {
  return error instanceof MeshError && remote.has(error)
}

const STOP_SENTENCES: Partial<Record<ErrorCode, string>> = {
  ABORTED: 'the other person cancelled',
  DECLINED: 'the other person declined',
  TIMEOUT: 'the other side got no answer in time',
  STORAGE_FULL: 'the other device has no space left',
  STORAGE_FAILED: 'the other device could not save the file',
  SOURCE_CHANGED: 'the file changed or vanished on the other device while it was being sent',
  LIMIT_REACHED: 'the other device takes no more offers now',
  VERIFY_FAILED: 'the bytes that arrived there are not the bytes that were sent',
  PATH_LOST: 'the other device no longer knows of this transfer',
  UNKNOWN_VERSION: 'the other side runs a version that does not understand this one',
}

/** `stopPrefix`: the sender announces a JSON frame by an empty one, since its other frames are file bytes. */
export function createChannel(stream: PeerStream, clock: Clock, stopPrefix: boolean): Channel {
  const frames = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  // Failures reach whoever writes or reads next; on their own they are nobody's.
  writer.closed.catch(() => undefined)
  stream.closed.catch(() => undefined)
  const own = (error: unknown) => toMeshError(error, 'PATH_LOST')
  // A block goes out behind its length instead of being copied into one piece with it; a small frame is one write.
  const writeFrame = (body: Uint8Array): Promise<unknown> =>
    body.byteLength < SMALL_FRAME ? writer.write(encodeFrame(body)) : Promise.all([writer.write(encodeVarint(body.byteLength)), writer.write(body)])
  const write: Channel['write'] = async (body, what, signal, ms) => {
    try {
      await withDeadline(clock, ms, what, signal, () => writeFrame(body))
    } catch (error) {
      throw own(error)
    }
  }
  const end = async () => {
    const signal = new AbortController().signal
    try {
      await withDeadline(clock, GOODBYE_MS, 'end of the stream', signal, async (inner) => {
        await abortable(writer.close(), inner)
        while (await frames.chunk(inner));
      })
    } catch (error) {
      stream.abort(error)
    }
  }
  return {
    async read(cap, what, signal, ms) {
      const work = (inner: AbortSignal) => frames.read(cap, inner)
      try {
        const frame = await (ms === undefined ? work(signal) : withDeadline(clock, ms, what, signal, work))
        if (!frame) throw new MeshError('PATH_LOST', `the connection ended before ${what}`)
        return frame as Uint8Array<ArrayBuffer>
      } catch (error) {
        throw own(error)
      }
    },
    write,
    writeJson: (value, what, signal, ms) => write(toUtf8(JSON.stringify(value)), what, signal, ms),
    end,
    async fail(error) {
      if (remote.has(error)) return end()
      if (DEAD.has(error.code)) return stream.abort(error)
      const { signal } = new AbortController()
      try {
        if (stopPrefix) await write(new Uint8Array(0), 'goodbye', signal, GOODBYE_MS)
        await write(toUtf8(JSON.stringify({ kind: 'stop', code: error.code })), 'goodbye', signal, GOODBYE_MS)
      } catch {
        return stream.abort(error)
      }
      await end()
    },
  }
}
