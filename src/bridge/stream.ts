/** A PeerStream carried over a Port in chunks with credit: half-close, abort with code, and at most STREAM_WINDOW bytes on their way in each direction. Both ends are this file. */
import type { PeerStream } from '../core/peer-stream.ts'
import type { Port } from '../core/port.ts'
import { errorFromWire, errorToWire, MeshError, toMeshError, type WireError } from '../shared/errors.ts'
import { CREDIT_STEP, STREAM_CHUNK, STREAM_WINDOW } from './limits.ts'

/** What the far end must know of a stream. */
export interface StreamMeta {
  readonly peer: string
  readonly protocol: string
  readonly path: 'direct' | 'relayed'
}

type StreamMessage =
  | { readonly t: 'data'; readonly bytes: ArrayBuffer }
  | { readonly t: 'credit'; readonly bytes: number }
  | { readonly t: 'fin' } // this direction ended well
  | { readonly t: 'fin-ack' } // and everything before it was delivered
  | { readonly t: 'stop' } // the page reads no more
  | { readonly t: 'done' } // the real stream ended well
  | { readonly t: 'abort'; readonly error: WireError }

/** The page's end: a PeerStream. Ends with WORKER_GONE (or whatever the reason is) when `gone` fires. */
export function connectStream(port: Port, meta: StreamMeta, gone: AbortSignal): PeerStream {
  const end = portStream(port, gone, 'page')
  return {
    ...meta,
    readable: end.readable,
    writable: end.writable,
    closed: end.closed,
    abort: (reason) => end.abort(toMeshError(reason ?? new MeshError('ABORTED', 'stream aborted'), 'ABORTED')),
  }
}

/** The worker's end: splices the real stream to the port; until it is there, what the page writes is taken and counted. Resolves when both are over; never rejects. The stream is aborted when `gone` fires. */
export async function serveStream(open: (signal: AbortSignal) => PeerStream | Promise<PeerStream>, port: Port, gone: AbortSignal): Promise<void> {
  const end = portStream(port, gone, 'worker')
  const fail = (error: unknown) => end.abort(toMeshError(error, 'STREAM_RESET'))
  const over = new AbortController()
  end.failed.then((error) => over.abort(error))
  try {
    const stream = await open(over.signal)
    end.failed.then((error) => stream.abort(error))
    stream.closed.catch(fail)
    // What fails inside a pipe reaches the page through the end of the pipe that it breaks.
    const reading = stream.readable.pipeTo(end.writable).catch(() => undefined)
    const writing = end.readable.pipeTo(stream.writable).then(end.finished, () => undefined)
    await Promise.all([reading, writing])
    await stream.closed.then(end.done, fail)
  } catch (error) {
    fail(error)
  }
}

/** What crosses of a stream beside its bytes. */
export function metaOf({ peer, protocol, path }: PeerStream): StreamMeta {
  return { peer, protocol, path }
}

interface PortStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  readonly closed: Promise<void>
  /** Resolves with the reason when the other end aborted or the pipe ended; else never. */
  readonly failed: Promise<MeshError>
  abort(error: MeshError): void
  /** All that was read here has been passed on: the other end's `close()` settles. */
  finished(): void
  /** Tell the other end that all is well over. */
  done(): void
}

/** In the worker chunks written here are ours to give away and a cancelled readable means that the real stream broke; in the page neither. */
function portStream(port: Port, gone: AbortSignal, side: 'page' | 'worker'): PortStream {
  const closed = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<MeshError>()
  closed.promise.catch(() => undefined)
  const post = (message: StreamMessage, transfer?: readonly ArrayBuffer[]) => port.post(message, transfer)
  const finished = () => post({ t: 'fin-ack' })
  const input = createInput({
    credit: (bytes) => post({ t: 'credit', bytes }),
    finished: side === 'page' ? finished : () => undefined,
    cancelled: (error) => (side === 'page' ? post({ t: 'stop' }) : abort(error)),
  })
  const output = createOutput(post, side === 'worker', (error) => abort(error))
  let over = false
  const settle = (error?: MeshError): boolean => {
    if (over) return false
    over = true
    gone.removeEventListener('abort', onGone)
    if (error) {
      input.fail(error)
      output.fail(error)
      closed.reject(error)
    } else closed.resolve()
    queueMicrotask(() => port.close())
    return true
  }
  const abort = (error: MeshError) => {
    if (!over) post({ t: 'abort', error: errorToWire(error) })
    settle(error)
  }
  const fail = (error: MeshError) => {
    if (settle(error)) failed.resolve(error)
  }
  const onGone = () => fail(toMeshError(gone.reason, 'WORKER_GONE'))
  port.listen((raw) => {
    const message = raw as StreamMessage
    if (message.t === 'data') input.push(message.bytes)
    else if (message.t === 'credit') output.credit(message.bytes)
    else if (message.t === 'fin') input.finish()
    else if (message.t === 'fin-ack') output.finished()
    else if (message.t === 'stop') output.stop()
    else if (message.t === 'done') settle()
    else fail(errorFromWire(message.error))
  })
  if (gone.aborted) onGone()
  else gone.addEventListener('abort', onGone, { once: true })
  const done = () => {
    if (!over) post({ t: 'done' })
    settle()
  }
  return { readable: input.readable, writable: output.writable, closed: closed.promise, failed: failed.promise, abort, finished, done }
}

interface InputEvents {
  credit(bytes: number): void
  finished(): void
  cancelled(error: MeshError): void
}

/** Bytes from the port. Credit goes back only for what the reader took. */
function createInput(on: InputEvents) {
  let received = 0
  let granted = 0
  let ended = false
  let reader: ReadableStreamDefaultController<Uint8Array>
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void (reader = controller),
      pull() {
        const taken = received - (STREAM_WINDOW - (reader.desiredSize ?? 0))
        if (taken - granted < CREDIT_STEP) return
        on.credit(taken - granted)
        granted = taken
      },
      cancel(reason) {
        if (ended) return
        ended = true
        on.cancelled(toMeshError(reason ?? new MeshError('ABORTED', 'reading was cancelled'), 'ABORTED'))
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: STREAM_WINDOW }),
  )
  return {
    readable,
    push(bytes: ArrayBuffer) {
      if (ended) return
      received += bytes.byteLength
      reader.enqueue(new Uint8Array(bytes))
    },
    finish() {
      if (ended) return
      ended = true
      reader.close()
      on.finished()
    },
    fail(error: MeshError) {
      if (ended) return
      ended = true
      reader.error(error)
    },
  }
}

/** Bytes to the port, never more than the other end has room for. */
function createOutput(post: (message: StreamMessage, transfer?: readonly ArrayBuffer[]) => void, own: boolean, aborted: (error: MeshError) => void) {
  let room = STREAM_WINDOW
  let failure: MeshError | undefined
  let wake: (() => void) | undefined
  let writer: WritableStreamDefaultController
  const acked = Promise.withResolvers<void>()
  acked.promise.catch(() => undefined)
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => void (writer = controller),
    async write(chunk) {
      for (let at = 0; at < chunk.byteLength; ) {
        while (room <= 0 && !failure) await new Promise<void>((resolve) => (wake = resolve))
        if (failure) throw failure
        const part = chunk.subarray(at, at + Math.min(STREAM_CHUNK, room))
        const whole = own && part.byteLength === part.buffer.byteLength
        const bytes = (whole ? part.buffer : part.slice().buffer) as ArrayBuffer
        at += part.byteLength
        room -= part.byteLength
        post({ t: 'data', bytes }, [bytes])
      }
    },
    close() {
      post({ t: 'fin' })
      return acked.promise
    },
    abort: (reason) => aborted(toMeshError(reason ?? new MeshError('ABORTED', 'writing was aborted'), 'ABORTED')),
  })
  return {
    writable,
    credit(bytes: number) {
      room += bytes
      wake?.()
    },
    finished: () => acked.resolve(),
    /** Nobody reads any more; only this direction ends. */
    stop: () => writer.error(new MeshError('ABORTED', 'the page reads no more')),
    fail(error: MeshError) {
      if (failure) return
      failure = error
      acked.reject(error)
      writer.error(error)
      wake?.()
    },
  }
}
