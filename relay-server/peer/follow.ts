/** What a command sees of its peer while it runs: the newest snapshot and every event. Goes on with another process when the one that ran the peer ends. */
import type { MeshState } from '../../src/core/mesh.ts'
import { abortable, abortError } from '../../src/shared/async.ts'
import { codeOf, type ErrorCode, MeshError } from '../../src/shared/errors.ts'
import type { LocalEvent } from '../local-api/protocol.ts'
import { READY_MS } from './limits.ts'
import type { Session } from './session.ts'

export interface Wanted {
  /** ms; 0 = look once, Infinity = until the signal. */
  readonly ms: number
  /** Ends the sentence "waited N seconds in vain for …". */
  readonly what: string
  /** Of the failure. Default TIMEOUT. */
  readonly code?: ErrorCode
}

export interface Follow {
  state(): MeshState
  /** Each event from now on, until the signal. */
  on(listen: (event: LocalEvent) => void, signal?: AbortSignal): void
  /** The first value that `find` gives of a snapshot. */
  until<T>(find: (state: MeshState) => T | undefined | false, wanted: Wanted): Promise<T>
  /** Rejects when it cannot go on, ABORTED with the signal. Never resolves. */
  readonly ended: Promise<never>
}

/** Codes after which another look for a peer makes sense: it stopped, it cut us off, it hangs. */
const LOST: readonly ErrorCode[] = ['NOT_RUNNING', 'LIMIT_REACHED', 'TIMEOUT', 'CLOSED', 'ABORTED']

/** Resolves with the first snapshot. */
export async function followPeer(session: Session, signal: AbortSignal): Promise<Follow> {
  const listeners = new Set<(event: LocalEvent) => void>()
  const first = Promise.withResolvers<void>()
  let state: MeshState | undefined
  const read = async () => {
    for await (const event of session.client.events(signal)) {
      if (event.type === 'statechange') state = event.detail
      first.resolve()
      for (const listen of listeners) listen(event)
    }
  }
  const run = async (): Promise<never> => {
    for (;;) {
      await read().catch((error: unknown) => {
        if (signal.aborted || !LOST.includes(codeOf(error))) throw error
      })
      if (signal.aborted) throw abortError(signal)
      await session.renew(signal)
    }
  }
  const ended = run()
  ended.catch(first.reject)
  await first.promise
  const on: Follow['on'] = (listen, until) => {
    listeners.add(listen)
    until?.addEventListener('abort', () => listeners.delete(listen), { once: true })
  }
  return {
    state: () => state as MeshState,
    on,
    ended,
    until(find, { ms, what, code = 'TIMEOUT' }) {
      const found = Promise.withResolvers<Exclude<ReturnType<typeof find>, undefined | false>>()
      const look = () => {
        try {
          const value = find(state as MeshState)
          if (value !== undefined && value !== false) found.resolve(value as never)
        } catch (error) {
          found.reject(error)
        }
      }
      const stop = new AbortController()
      on((event) => event.type === 'statechange' && look(), stop.signal)
      const late = () => found.reject(new MeshError(code, `waited ${Math.round(ms / 1000)} s in vain for ${what}`))
      const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, ms)
      look()
      return Promise.race([abortable(found.promise, signal), ended]).finally(() => {
        clearTimeout(timer)
        stop.abort()
      }) as never
    },
  }
}

/** Until a relay gives a place. RELAY_UNREACHABLE, at once when it knows no relay. */
export async function untilReachable(follow: Follow, ms = READY_MS): Promise<void> {
  if (follow.state().status === 'relayed' || follow.state().status === 'direct') return
  // Those that were kept are read in the moments after the start.
  await follow
    .until((state) => state.relays.length > 0, { ms: Math.min(ms, 2_000), what: 'a relay' })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'TIMEOUT') throw error
      throw new MeshError(
        'RELAY_UNREACHABLE',
        'This peer knows no relay yet. Give it one: dmesh join https://relay.example, or the link of an invite.',
      )
    })
  await follow
    .until(({ status }) => status === 'relayed' || status === 'direct', { ms, what: 'a relay' })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'TIMEOUT') throw error
      const [relay] = follow.state().relays
      throw new MeshError(
        'RELAY_UNREACHABLE',
        `${relay?.origin ?? 'the relay'} gives no place: ${relay?.problem?.message ?? relay?.status ?? 'no answer'}`,
      )
    })
}
