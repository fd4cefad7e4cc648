/** Two PeerStreams joined in memory, with real back-pressure and resets, so that protocols are tested without a network. Must never buffer more than its high water mark plus one chunk. */
import type { PeerStream, PeerStreamPair } from '../../src/core/peer-stream.ts'
import { MeshError, toMeshError } from '../../src/shared/errors.ts'

export interface StreamPairOptions {
  /** Bytes each direction holds before `write()` waits. Default 65 536. */
  readonly highWaterMark?: number
  /** Default '/test/1.0.0'. */
  readonly protocol?: string
  /** PeerIDs: what `a` sees as its peer is `b`, and the other way round. Default ['peer-a', 'peer-b']. */
  readonly peers?: readonly [a: string, b: string]
  /** Default 'direct'. */
  readonly path?: 'direct' | 'relayed'
}

export interface StreamPair extends PeerStreamPair {
  /** As when the connection dies: both sides fail with PATH_LOST. */
  cut(): void
  /** Bytes that `a` wrote and `b` did not read yet. */
  waiting(): number
}

interface Pipe {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  /** The same end as each side sees it. */
  readonly readEnded: Promise<void>
  readonly writeEnded: Promise<void>
  fail(readError: MeshError, writeError: MeshError): void
  waiting(): number
}

/** `close()` is a half-close, `abort()` gives the other side STREAM_RESET (a reset carries no code, as in libp2p), cancelling the readable resets too. */
export function createStreamPair(options: StreamPairOptions = {}): StreamPair {
  const { highWaterMark = 65_536, protocol = '/test/1.0.0', peers = ['peer-a', 'peer-b'], path = 'direct' } = options
  const onReset = (by: 'a' | 'b', reason: unknown) => {
    const own = toMeshError(reason, 'ABORTED')
    const other = new MeshError('STREAM_RESET', 'the other side reset the stream')
    const [byA, byB] = by === 'a' ? [own, other] : [other, own]
    // Direction ab is written by a and read by b.
    ab.fail(byB, byA)
    ba.fail(byA, byB)
  }
  const ab = createPipe(highWaterMark, { onCancel: (reason) => onReset('b', reason), onAbort: (reason) => onReset('a', reason) })
  const ba = createPipe(highWaterMark, { onCancel: (reason) => onReset('a', reason), onAbort: (reason) => onReset('b', reason) })
  const side = (peer: string, input: Pipe, output: Pipe, name: 'a' | 'b'): PeerStream => {
    const closed = Promise.all([input.readEnded, output.writeEnded]).then(() => undefined)
    closed.catch(() => undefined)
    return { peer, protocol, path, readable: input.readable, writable: output.writable, closed, abort: (reason) => onReset(name, reason) }
  }
  return {
    a: side(peers[1], ba, ab, 'a'),
    b: side(peers[0], ab, ba, 'b'),
    cut: () => {
      const lost = new MeshError('PATH_LOST', 'the connection ended')
      ab.fail(lost, lost)
      ba.fail(lost, lost)
    },
    waiting: ab.waiting,
  }
}

function createPipe(highWaterMark: number, on: { onCancel(reason: unknown): void; onAbort(reason: unknown): void }): Pipe {
  const readEnded = Promise.withResolvers<void>()
  const writeEnded = Promise.withResolvers<void>()
  readEnded.promise.catch(() => undefined)
  writeEnded.promise.catch(() => undefined)
  let reading: ReadableStreamDefaultController<Uint8Array>
  let writing: WritableStreamDefaultController
  let state: 'open' | 'closed' | 'failed' = 'open'
  let writeError: MeshError | undefined
  let wake: (() => void) | undefined
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void (reading = controller),
      pull: () => wake?.(),
      cancel: (reason) => on.onCancel(reason),
    },
    new ByteLengthQueuingStrategy({ highWaterMark }),
  )
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => void (writing = controller),
    async write(chunk) {
      // A copy: after write() settles the chunk is the writer's again.
      reading.enqueue(chunk.slice())
      while (!writeError && (reading.desiredSize ?? 0) <= 0) await new Promise<void>((resolve) => (wake = resolve))
      if (writeError) throw writeError
    },
    close() {
      state = 'closed'
      reading.close()
      readEnded.resolve()
      writeEnded.resolve()
    },
    abort: (reason) => on.onAbort(reason),
  })
  return {
    readable,
    writable,
    readEnded: readEnded.promise,
    writeEnded: writeEnded.promise,
    waiting: () => (state === 'open' ? highWaterMark - (reading.desiredSize ?? highWaterMark) : 0),
    fail(forReader, forWriter) {
      if (state === 'failed') return
      const wasOpen = state === 'open'
      state = 'failed'
      writeError = forWriter
      readEnded.reject(forReader)
      writeEnded.reject(forWriter)
      // Both throw when that half has ended already, which is fine.
      attempt(() => reading.error(forReader))
      if (wasOpen) attempt(() => writing.error(forWriter))
      wake?.()
    },
  }
}

function attempt(task: () => void): void {
  try {
    task()
  } catch {
    // The half ended before.
  }
}
