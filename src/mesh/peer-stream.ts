/** A libp2p stream as a PeerStream on web streams. A truncated stream must never look like a clean end: without the peer's half-close it errors with PATH_LOST. */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { PeerStream } from '../core/peer-stream.ts'
import { isErrorCode, MeshError, toMeshError } from '../shared/errors.ts'
import { passOn } from '../shared/spent.ts'
import { CHUNK_COST, FRAME_HEADER, JOIN_BELOW, READ_HIGH_WATER } from './limits.ts'

export interface PeerStreamInit {
  readonly peer: string
  readonly protocol: string
  readonly path: PeerStream['path']
  /** Asked once when the stream fails before a byte arrived: a better reason, or undefined. */
  readonly explain?: () => Promise<MeshError | undefined>
}

/** Takes over the libp2p stream. */
export function toPeerStream(stream: Stream, init: PeerStreamInit): PeerStream {
  const closed = Promise.withResolvers<void>()
  closed.promise.catch(() => undefined)
  const incoming = createReadable(stream, init.explain)
  incoming.failed.then((error) => (error ? closed.reject(error) : closed.resolve()))
  let ended = false
  const abort = (reason?: unknown) => {
    if (ended) return
    ended = true
    stream.abort(toMeshError(reason ?? new MeshError('ABORTED', 'stream aborted'), 'ABORTED'))
  }
  return {
    peer: init.peer,
    protocol: init.protocol,
    path: init.path,
    readable: incoming.readable,
    writable: createWritable(stream, incoming.failed),
    closed: closed.promise,
    abort,
  }
}

function createReadable(stream: Stream, explain: PeerStreamInit['explain']) {
  const failed = Promise.withResolvers<MeshError | undefined>()
  let received = 0
  let finished = false // the peer half-closed
  let settled = false
  const readable = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream.addEventListener('remoteCloseWrite', () => {
          finished = true
        })
        stream.addEventListener('message', (event: StreamMessageEvent) => {
          if (settled) return
          received += event.data.byteLength
          for (const piece of piecesOf(event.data, stream)) controller.enqueue(piece)
          if ((controller.desiredSize ?? 0) <= 0 && stream.readStatus === 'readable') stream.pause()
        })
        stream.addEventListener('end', () => {
          if (settled || !finished) return
          settled = true
          controller.close()
        })
        const onClose = async (event: Pick<StreamCloseEvent, 'error'>) => {
          const error = event.error || !finished ? await reasonOf(event.error, received, explain) : undefined
          failed.resolve(error)
          // What a slow reader left is still to be read: 'end' comes behind it.
          if (settled || (!error && stream.readBufferLength > 0)) return
          settled = true
          if (error) controller.error(error)
          else controller.close()
        }
        stream.addEventListener('close', onClose)
        // It may have ended before anybody listened.
        if (stream.remoteWriteStatus === 'closed' && stream.status === 'open') finished = true
        if (stream.status === 'reset' || stream.status === 'aborted')
          void onClose({ error: new MeshError('STREAM_RESET', 'the other side reset the stream') })
        // Both directions, and nobody here closed ours: the connection under it did.
        else if (stream.status === 'closed') void onClose({ error: lost() })
        else if (stream.readableEnded) {
          settled = true
          controller.close()
        }
      },
      pull: () => goOn(stream),
      async cancel() {
        settled = true
        // What stays paused gives no window back, and the other side's writer would wait for ever.
        goOn(stream)
        if (stream.status === 'open') await stream.closeRead().catch(() => undefined)
      },
    },
    { highWaterMark: READ_HIGH_WATER, size: (chunk) => chunk.byteLength + CHUNK_COST },
  )
  return { readable, failed: failed.promise }
}

function goOn(stream: Stream): void {
  if (stream.readStatus !== 'paused') return
  try {
    stream.resume()
  } catch (error) {
    // It gave out what it held, and cannot tell so over a connection that has ended since.
    if (stream.status === 'open') throw error
  }
}

/** Large data as it lies, small data in one piece. A frame's body is one stream's alone, and between two bodies lies a whole header: so a gap that is no longer hides no other stream's bytes. */
function piecesOf(data: StreamMessageEvent['data'], stream: Stream): Iterable<Uint8Array> {
  const pieces = ArrayBuffer.isView(data) ? [plain(data)] : [...data].map(plain)
  if (pieces.length > 1 && data.byteLength < JOIN_BELOW) return [data.subarray()]
  for (const piece of pieces) passOn(piece, stream, FRAME_HEADER)
  return pieces
}

/** Node.js's ciphers give Buffers, whose slice() is no copy; protocols see what the platform calls bytes. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

async function reasonOf(cause: Error | undefined, received: number, explain: PeerStreamInit['explain']): Promise<MeshError> {
  const own = isErrorCode((cause as { code?: unknown } | undefined)?.code) ? toMeshError(cause) : undefined
  if (own && own.code !== 'STREAM_RESET') return own
  if (received === 0 && explain) {
    const better = await explain().catch(() => undefined)
    if (better) return better
  }
  if (own) return own
  if (cause?.name === 'StreamResetError') return new MeshError('STREAM_RESET', 'the other side reset the stream', { cause })
  return lost(cause)
}

function lost(cause?: unknown): MeshError {
  return new MeshError('PATH_LOST', 'the connection under the stream ended', { cause })
}

function createWritable(stream: Stream, failed: Promise<MeshError | undefined>): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    start(controller) {
      failed.then((error) => {
        if (error) controller.error(error)
      })
    },
    async write(chunk) {
      try {
        if (!stream.send(chunk)) await drained(stream)
      } catch (error) {
        // libp2p only says that the stream is closed. It was not closed here, so it is the connection.
        throw (await settledReason(failed)) ?? (stream.status === 'closed' ? lost(error) : toMeshError(error, 'STREAM_RESET'))
      }
    },
    async close() {
      try {
        await stream.close()
      } catch (error) {
        throw (await settledReason(failed)) ?? toMeshError(error, 'STREAM_RESET')
      }
    },
    abort(reason) {
      stream.abort(toMeshError(reason, 'ABORTED'))
    },
  })
}

/** Wait until everything was handed to the transport and it takes more. libp2p's own `onDrain()` keeps one promise for ever: from its second use on it never waits. */
async function drained(stream: Stream): Promise<void> {
  while (stream.status === 'open' && (stream.writableNeedsDrain || stream.writeBufferLength > 0)) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = () => resolve()
    for (const type of ['drain', 'idle', 'close'] as const) stream.addEventListener(type, done)
    await promise
    for (const type of ['drain', 'idle', 'close'] as const) stream.removeEventListener(type, done)
    await Promise.resolve() // libp2p goes on with its queue in a microtask after 'drain'
  }
}

/** The stream's own reason if it has one by now. */
function settledReason(failed: Promise<MeshError | undefined>): Promise<MeshError | undefined> {
  return Promise.race([failed, Promise.resolve(undefined)])
}
