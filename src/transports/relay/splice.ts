/** Two libp2p streams joined into one circuit: back-pressure, half-close and reset travel through. Must never hold more than limits.ts says for a reader that stands still, and must never look at the bytes. */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { LOW_WATER } from './limits.ts'

export interface SpliceOptions {
  readonly clock: Clock
  /** ms without progress towards a reader before both ends are reset. */
  readonly stall: number
  /** Told about bytes before they go on, `forward` = from a to b. */
  readonly onBytes: (direction: 'forward' | 'back', bytes: number) => void
}

export interface Splice {
  /** Resolves when both directions ended well, rejects with what broke it. Both streams are closed or reset by then. */
  readonly done: Promise<void>
  /** Reset both ends now. Idempotent. */
  cut(reason: MeshError): void
}

/** Join `a` and `b`; both belong to the splice from here on. */
export function splice(a: Stream, b: Stream, { clock, stall, onBytes }: SpliceOptions): Splice {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const own = new AbortController()
  let open = 2
  const cut = (reason: MeshError) => {
    if (own.signal.aborted) return
    own.abort(reason)
    a.abort(reason)
    b.abort(reason)
    reject(reason)
  }
  const finish = () => {
    open--
    if (open > 0 || own.signal.aborted) return
    own.abort()
    resolve()
  }
  const joined = { clock, stall, cut, finish, signal: own.signal }
  pump(a, b, { ...joined, count: (bytes) => onBytes('forward', bytes) })
  pump(b, a, { ...joined, count: (bytes) => onBytes('back', bytes) })
  return { done: promise, cut }
}

interface Joint {
  readonly clock: Clock
  readonly stall: number
  readonly signal: AbortSignal
  readonly count: (bytes: number) => void
  readonly cut: (reason: MeshError) => void
  readonly finish: () => void
}

function pump(source: Stream, target: Stream, { clock, stall, signal, count, cut, finish }: Joint): void {
  let paused = false
  let closing = false
  let cancelStall = () => {}
  const watch = () => {
    cancelStall()
    cancelStall = clock.after(stall, () => cut(new MeshError('TIMEOUT', `the reader made no progress in ${stall} ms`)))
  }
  const goOn = () => {
    if (!paused || signal.aborted || target.writableNeedsDrain || target.writeBufferLength > LOW_WATER) return
    cancelStall()
    paused = false
    if (source.readStatus !== 'paused') return
    try {
      source.resume()
    } catch (error) {
      // its connection went away in this very moment; thrown from here it would end the process
      cut(new MeshError('STREAM_RESET', `read side is closed: ${String(error)}`))
    }
  }
  const onMessage = ({ data }: StreamMessageEvent) => {
    count(data.byteLength)
    if (signal.aborted) return
    try {
      if (target.send(data)) return
    } catch (error) {
      cut(new MeshError('STREAM_RESET', `write side is closed: ${String(error)}`))
      return
    }
    watch()
    if (paused) return
    paused = true
    if (source.readStatus === 'readable') source.pause()
  }
  const onProgress = () => {
    if (!paused && !closing) return
    watch()
    // libp2p sends what is queued in a microtask of its own, started before this one
    queueMicrotask(goOn)
  }
  const onEnd = () => {
    if (closing || signal.aborted) return
    closing = true
    watch()
    target.close().then(
      () => {
        cancelStall()
        finish()
      },
      (error: unknown) => cut(new MeshError('STREAM_RESET', String(error))),
    )
  }
  const onSourceClose = ({ error }: StreamCloseEvent) => {
    if (error) cut(new MeshError('STREAM_RESET', error.message))
  }
  const onTargetClose = ({ error }: StreamCloseEvent) => {
    if (error || !closing) cut(new MeshError('STREAM_RESET', error?.message ?? 'one end went away'))
  }
  signal.addEventListener('abort', () => {
    cancelStall()
    source.removeEventListener('message', onMessage)
    source.removeEventListener('end', onEnd)
    source.removeEventListener('close', onSourceClose)
    target.removeEventListener('close', onTargetClose)
    target.removeEventListener('drain', onProgress)
    target.removeEventListener('idle', onProgress)
  })
  source.addEventListener('end', onEnd)
  source.addEventListener('close', onSourceClose)
  target.addEventListener('close', onTargetClose)
  target.addEventListener('drain', onProgress)
  target.addEventListener('idle', onProgress)
  source.addEventListener('message', onMessage)
  if (source.readableEnded) onEnd()
}
