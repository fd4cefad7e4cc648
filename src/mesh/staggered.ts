/** Tries side by side, each begun a little after the other, and the first that works counts (after RFC 8305, "happy eyeballs"): a try that hangs must not hold up the next. Must never keep a second result: it is given to `drop`. */
import { abortError, throwIfAborted } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'

export interface StaggeredParts<T> {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** ms after which try number `n` (from 1) starts although those before it run. */
  readonly step: (n: number) => number
  /** Tries in all. */
  readonly most: number
  /** 'next' = a failure starts the next at once; 'wait' = it ends all when no other runs: the caller has its own back-off. */
  readonly onFailure: 'next' | 'wait'
  /** True for a failure that no other try could mend. */
  readonly final?: (error: unknown) => boolean
  /** Frees what came too late. */
  readonly drop?: (late: T) => void
  /** Given a function that starts the next try now. */
  readonly nudged?: (start: () => void) => void
}

/** Rejects with the newest failure when all failed, or as the signal says. Tries that lose see their signal fire. */
export function staggered<T>(parts: StaggeredParts<T>, work: (n: number, signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, signal, step, most, onFailure, final, drop } = parts
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const over = new AbortController()
  let started = 0
  let running = 0
  let cancel: (() => void) | undefined

  const end = () => {
    cancel?.()
    signal.removeEventListener('abort', onAbort)
    over.abort(new MeshError('ABORTED', 'another try was first'))
  }
  const onAbort = () => {
    reject(abortError(signal))
    end()
  }
  const failed = (error: unknown) => {
    running--
    if (over.signal.aborted) return
    const more = onFailure === 'next' && started < most
    if (final?.(error) || (running === 0 && !more)) {
      reject(error)
      end()
    } else if (more) start()
  }
  const start = () => {
    cancel?.()
    if (over.signal.aborted || started === most) return
    const n = started++
    running++
    if (started < most) cancel = clock.after(step(started), start)
    work(n, over.signal).then((result) => {
      if (over.signal.aborted) return drop?.(result)
      resolve(result)
      end()
    }, failed)
  }
  try {
    throwIfAborted(signal)
    signal.addEventListener('abort', onAbort, { once: true })
    parts.nudged?.(start)
    start()
  } catch (error) {
    reject(error)
  }
  return promise
}
