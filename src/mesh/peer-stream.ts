/** A libp2p stream as a PeerStream on web streams. A truncated stream must never look like a clean end: without the peer's half-close it errors with PATH_LOST. */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { PeerStream } from '../core/peer-stream.ts'
import { isErrorCode, MeshError, toMeshError } from '../shared/errors.ts'
import { READ_HIGH_WATER } from './limits.ts'

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
          controller.enqueue(event.data.subarray())
          if ((controller.desiredSize ?? 0) <= 0 && stream.readStatus === 'readable') stream.pause()
        })
        stream.addEventListener('end', () => {
          if (settled || !finished) return
          settled = true
          controller.close()
        })
        stream.addEventListener('close', async (event: StreamCloseEvent) => {
          const error = event.error || !finished ? await reasonOf(event, received, explain) : undefined
          failed.resolve(error)
          if (settled) return
          settled = true
          if (error) controller.error(error)
          else controller.close()
        })
      },
      pull() {
        if (stream.readStatus === 'paused') stream.resume()
      },
      async cancel() {
        settled = true
        if (stream.status === 'open') await stream.closeRead().catch(() => undefined)
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: READ_HIGH_WATER }),
  )
  return { readable, failed: failed.promise }
}

async function reasonOf(event: StreamCloseEvent, received: number, explain: PeerStreamInit['explain']): Promise<MeshError> {
  if (isErrorCode((event.error as { code?: unknown } | undefined)?.code)) return toMeshError(event.error)
  if (received === 0 && explain) {
    const better = await explain().catch(() => undefined)
    if (better) return better
  }
  if (event.error?.name === 'StreamResetError') return new MeshError('STREAM_RESET', 'the other side reset the stream', { cause: event.error })
  return new MeshError('PATH_LOST', 'the connection under the stream ended', { cause: event.error })
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
        if (!stream.send(chunk)) await stream.onDrain()
      } catch (error) {
        throw (await settledReason(failed)) ?? toMeshError(error, 'STREAM_RESET')
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

/** The stream's own reason if it has one by now. */
function settledReason(failed: Promise<MeshError | undefined>): Promise<MeshError | undefined> {
  return Promise.race([failed, Promise.resolve(undefined)])
}
