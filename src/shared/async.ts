/** Waits with an end: abort, deadline, single flight, deferred. Every wait on a network in this code base goes through one of these. */
import type { Clock } from './clock.ts'
import { MeshError, toMeshError } from './errors.ts'

/** Throw ABORTED (or the reason, when it is one of ours) if the signal fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** What a fired signal means, as a MeshError. */
export function abortError(signal: AbortSignal): MeshError {
  const reason: unknown = signal.reason
  return reason instanceof MeshError ? reason : toMeshError(reason, 'ABORTED')
}

/** Settles with `promise`, or rejects when `signal` fires first. The work itself goes on unless it listens to the signal too. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  if (signal.aborted) {
    // nobody else may be waiting for it
    promise.catch(() => undefined)
    return Promise.reject(abortError(signal))
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Run `work` with a signal that fires on `parent` or after `ms` (TIMEOUT naming `what`). Rejects at once then, even if `work` ignores its signal. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  what: string,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(parent)
  const own = new AbortController()
  const onParent = () => own.abort(parent?.reason)
  parent?.addEventListener('abort', onParent, { once: true })
  const cancel = clock.after(ms, () => own.abort(new MeshError('TIMEOUT', `${what}: no answer in ${ms} ms`)))
  try {
    return await abortable(work(own.signal), own.signal)
  } finally {
    cancel()
    parent?.removeEventListener('abort', onParent)
  }
}

/** Resolve after `ms`, reject when the signal fires. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  return abortable(promise, signal).finally(cancel)
}

/** Concurrent calls share one run of `work`; the next call after it settled starts anew. */
export function singleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let flight: Promise<T> | undefined
  return () => {
    flight ??= work().finally(() => {
      flight = undefined
    })
    return flight
  }
}

/** Run tasks one after the other, at most `cap` waiting (LIMIT_REACHED above it). */
export function createSerial(cap: number): <T>(task: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return (task) => {
    if (waiting >= cap) return Promise.reject(new MeshError('LIMIT_REACHED', `${cap} operations are waiting already`))
    waiting++
    const run = tail.then(task).finally(() => {
      waiting--
    })
    tail = run.catch(() => undefined)
    return run
  }
}

/** Runs `work` behind what this task still has to say: its promise chains as far as 32 microtasks reach. What comes later only costs a message of its own, so nothing else may depend on it. */
export async function afterTask(work: () => void): Promise<void> {
  for (let turn = 0; turn < 32; turn++) await undefined
  work()
}
