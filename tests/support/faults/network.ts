/** The network of one peer, with faults on demand or by seed, around real WebSockets and real requests. See README.md. */
import type { openNodeSocket } from '../../../src/transports/websocket/listener.node.ts'
import { createJumpingClock, type JumpingClock } from './clock.ts'
import { createRandom, type Random } from './random.ts'
import { type FaultySocket, openFaulty } from './socket.ts'
import { CALM, goes, type Weather } from './weather.ts'

export interface FaultyNetwork {
  readonly seed: number
  readonly random: Random
  readonly clock: JumpingClock
  /** For `createWebSocket({ open })`. */
  readonly open: typeof openNodeSocket
  /** For `createRelaySource(origin, { fetch })`. */
  readonly fetch: typeof fetch
  weather(): Weather
  /** From now on. */
  set(weather: Partial<Weather>): void
  /** All is well again: what stalled comes; what lost bytes stays dead. */
  heal(): void
  /** Every open socket breaks and both ends hear it. */
  cut(): void
  /** Every open socket breaks and one end alone hears it: 'us' or 'them'. */
  halfOpen(who: 'us' | 'them'): void
  /** Sockets that are not closed yet, for either end. */
  sockets(): number
  /** Frees what stale sockets hold. Call at the end of a test. */
  end(): void
}

export function createFaultyNetwork(seed: number): FaultyNetwork {
  const random = createRandom(seed)
  const sockets = new Set<FaultySocket>()
  let weather: Weather = CALM
  let changed = Promise.withResolvers<void>()
  const live = () => {
    for (const socket of sockets) if (socket.ended()) sockets.delete(socket)
    return [...sockets]
  }
  const set = (next: Partial<Weather>) => {
    weather = { ...weather, ...next }
    for (const socket of live()) socket.look()
    changed.resolve()
    changed = Promise.withResolvers()
  }
  return {
    seed,
    random,
    clock: createJumpingClock(),
    open(url) {
      const socket = openFaulty(url, () => weather, random)
      sockets.add(socket)
      return socket.face
    },
    fetch: async (input, init) => {
      const signal = init?.signal ?? undefined
      const lost = goes(weather.hole, 'in') || goes(weather.hole, 'out')
      while (lost || weather.stall !== 'no') await untilAbort(lost ? new Promise(() => undefined) : changed.promise, signal)
      if (weather.refuse) throw new TypeError('fetch failed')
      return fetch(input, init)
    },
    weather: () => weather,
    set,
    heal: () => set(CALM),
    cut() {
      for (const socket of live()) socket.cut()
    },
    halfOpen(who) {
      for (const socket of live()) who === 'us' ? socket.leaveThem() : socket.leaveUs()
    },
    sockets: () => live().length,
    end() {
      for (const socket of live()) socket.cut()
    },
  }
}

function untilAbort(wait: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal?.reason ?? new Error('aborted'))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  void wait.then(resolve)
  return promise.finally(() => signal?.removeEventListener('abort', abort))
}
