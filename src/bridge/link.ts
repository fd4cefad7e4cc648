/** Typed calls between two of our threads: the one file that imports comlink. Adds what comlink lacks: a deadline on every call, an end when the other thread dies, codes and causes of errors; and lets nothing through but calls of listed methods. Never across origins. */
import { type Endpoint, expose, transfer as moved, wrap } from 'comlink'
import type { Port } from '../core/port.ts'
import { abortable, withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { errorFromWire, errorToWire, MeshError, type WireError } from '../shared/errors.ts'
import { CALL_TIMEOUT, MAX_CALLS } from './limits.ts'

/** Method name → function; arguments and results are structured-cloneable. */
export type Methods<Api extends object> = {
  readonly [K in keyof Api]: Api[K] extends (...args: infer A) => infer R ? (signal: AbortSignal, ...args: A) => R | Promise<R> : never
}

export interface Link<Api extends object> {
  /** Rejects with the error's code as thrown over there; TIMEOUT after `ms` (default CALL_TIMEOUT); WORKER_GONE when the other side died; ABORTED by `signal`. */
  call<K extends keyof Api & string>(
    method: K,
    args: Api[K] extends (...args: infer A) => unknown ? A : never,
    options?: CallOptions,
  ): Promise<Api[K] extends (...args: never[]) => infer R ? Awaited<R> : never>
}

export interface CallOptions {
  readonly ms?: number
  readonly signal?: AbortSignal
  /** Moved, not copied. */
  readonly transfer?: readonly Transferable[]
}

type Transferable = ArrayBuffer | MessagePort

interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}
type Reply = { readonly value: unknown } | { readonly error: WireError }

interface Exposed {
  call(request: Request): Promise<Reply>
  cancel(id: number): void
}

/** Answer calls until `signal` fires. Each method gets a signal first: it fires when the caller gave up or is gone. */
export function serveLink<Api extends object>(port: Port, methods: Methods<Api>, signal: AbortSignal): void {
  const running = new Map<number, AbortController>()
  const table = methods as Readonly<Record<string, ((signal: AbortSignal, ...args: unknown[]) => unknown) | undefined>>
  const exposed: Exposed = {
    async call({ id, method, args }) {
      const own = new AbortController()
      try {
        const work = Object.hasOwn(methods, method) ? table[method] : undefined
        if (!work) throw new MeshError('BAD_ARGUMENT', `no method ${String(method).slice(0, 40)}`)
        if (running.size >= MAX_CALLS) throw new MeshError('LIMIT_REACHED', `${MAX_CALLS} calls run already`)
        running.set(id, own)
        return { value: await work(AbortSignal.any([own.signal, signal]), ...args) }
      } catch (error) {
        return { error: errorToWire(error) }
      } finally {
        running.delete(id)
      }
    },
    cancel: (id) => running.get(id)?.abort(new MeshError('ABORTED', 'the caller gave up')),
  }
  expose(exposed, endpoint(port, isCall))
  signal.addEventListener('abort', () => port.close(), { once: true })
}

/** `gone` fires when the other side died; its reason is what every call then rejects with. */
export function connectLink<Api extends object>(port: Port, parts: { readonly clock: Clock; readonly gone: AbortSignal }): Link<Api> {
  const remote = wrap<Exposed>(endpoint(port, () => true))
  let next = 1
  let waiting = 0
  return {
    async call(method, args, { ms = CALL_TIMEOUT, signal, transfer = [] } = {}) {
      if (waiting >= MAX_CALLS) throw new MeshError('LIMIT_REACHED', `${MAX_CALLS} calls wait already`)
      const id = next++
      waiting++
      try {
        const end = signal ? AbortSignal.any([signal, parts.gone]) : parts.gone
        const request: Request = { id, method, args }
        const reply = await withDeadline(parts.clock, ms, method, end, (own) => {
          own.addEventListener('abort', () => cancel(remote, id), { once: true })
          return abortable(remote.call(moved(request, [...transfer] as ArrayBuffer[])) as Promise<Reply>, own)
        })
        if ('error' in reply) throw errorFromWire(reply.error)
        return reply.value as never
      } finally {
        waiting--
      }
    },
  }
}

function cancel(remote: { cancel(id: number): Promise<void> }, id: number): void {
  // Nobody waits for it: the other side may be gone.
  remote.cancel(id).catch(() => undefined)
}

/** comlink walks any property path, up to `constructor`: only these two reach it. */
function isCall(message: unknown): boolean {
  const { type, path } = (message ?? {}) as { type?: unknown; path?: unknown }
  return type === 'APPLY' && Array.isArray(path) && path.length === 1 && (path[0] === 'call' || path[0] === 'cancel')
}

function endpoint(port: Port, admit: (message: unknown) => boolean): Endpoint {
  const listeners = new Set<(event: MessageEvent) => void>()
  port.listen((data) => {
    if (!admit(data)) return
    for (const listener of listeners) listener({ data } as MessageEvent)
  })
  return {
    postMessage: (message: unknown, transfer: Transferable[] = []) => port.post(message, transfer),
    addEventListener: (_type, listener) => void listeners.add(listener as (event: MessageEvent) => void),
    removeEventListener: (_type, listener) => void listeners.delete(listener as (event: MessageEvent) => void),
  }
}
