/** Typed event bus after libp2p's Bus/Emitter/Subscription: emit never waits, a blocked or throwing subscriber stops nobody. Queues are capped per subscriber. */

export interface BusOptions {
  /** Events held for an async iterator that does not read; the oldest are dropped above it. Default 256. */
  readonly capacity?: number
  /** Told when a subscriber throws. */
  readonly onError?: (type: string, error: unknown) => void
}

export interface Bus<Events extends Record<string, unknown>> {
  emit<K extends keyof Events & string>(type: K, event: Events[K]): void
  /** Call `listen` for each event, each in its own microtask; ends with the signal. */
  on<K extends keyof Events & string>(type: K, listen: (event: Events[K]) => void, options?: { signal?: AbortSignal }): void
  /** Every event of every type. */
  onAny(listen: (type: keyof Events & string, event: Events[keyof Events]) => void, options?: { signal?: AbortSignal }): void
  /** Pull events at your own pace; `dropped` counts what the cap cost. */
  events<K extends keyof Events & string>(
    type: K,
    options?: { signal?: AbortSignal },
  ): AsyncIterableIterator<Events[K]> & { readonly dropped: number }
  /** Types emitted so far. */
  types(): readonly string[]
  /** Live subscriptions, for leak tests. */
  size(): number
}

type Listener = (type: string, event: unknown) => void

export function createBus<Events extends Record<string, unknown>>(options: BusOptions = {}): Bus<Events> {
  const capacity = options.capacity ?? 256
  const seen = new Set<string>()
  const byType = new Map<string, Set<Listener>>()
  const wildcard = new Set<Listener>()

  const add = (set: Set<Listener>, listener: Listener, signal: AbortSignal | undefined) => {
    if (signal?.aborted) return
    set.add(listener)
    signal?.addEventListener('abort', () => set.delete(listener), { once: true })
  }
  const setOf = (type: string): Set<Listener> => {
    let set = byType.get(type)
    if (!set) byType.set(type, (set = new Set()))
    return set
  }
  const deliver = (listener: Listener, type: string, event: unknown) =>
    queueMicrotask(() => {
      try {
        listener(type, event)
      } catch (error) {
        options.onError?.(type, error)
      }
    })

  return {
    emit(type, event) {
      seen.add(type)
      for (const listener of byType.get(type) ?? []) deliver(listener, type, event)
      for (const listener of wildcard) deliver(listener, type, event)
    },
    on(type, listen, { signal } = {}) {
      add(setOf(type), (_, event) => listen(event as never), signal)
    },
    onAny(listen, { signal } = {}) {
      add(wildcard, listen as Listener, signal)
    },
    events(type, { signal } = {}) {
      return pull(setOf(type), capacity, signal) as never
    },
    types: () => [...seen],
    size: () => wildcard.size + [...byType.values()].reduce((sum, set) => sum + set.size, 0),
  }
}

function pull(set: Set<Listener>, capacity: number, signal: AbortSignal | undefined): AsyncIterableIterator<unknown> & { dropped: number } {
  const queue: unknown[] = []
  let wake: (() => void) | undefined
  let done = signal?.aborted ?? false
  const listener: Listener = (_, event) => {
    queue.push(event)
    if (queue.length > capacity) {
      queue.shift()
      iterator.dropped++
    }
    wake?.()
  }
  const finish = () => {
    done = true
    set.delete(listener)
    wake?.()
  }
  const iterator = {
    dropped: 0,
    [Symbol.asyncIterator]: () => iterator,
    async next(): Promise<IteratorResult<unknown>> {
      while (queue.length === 0 && !done) await new Promise<void>((resolve) => (wake = resolve))
      return queue.length > 0 ? { done: false, value: queue.shift() } : { done: true, value: undefined }
    },
    async return(): Promise<IteratorResult<unknown>> {
      finish()
      return { done: true, value: undefined }
    },
  }
  if (!done) {
    set.add(listener)
    signal?.addEventListener('abort', finish, { once: true })
  }
  return iterator
}
