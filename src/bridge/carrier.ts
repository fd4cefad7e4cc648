/** Splits one pipe between two of our threads into numbered channels, so that calls, events and streams need no port of their own: the same code then runs over a MessagePort and over a BroadcastChannel, which cannot carry ports. Order is kept over all channels. */
import type { Port } from '../core/port.ts'
import { MeshError } from '../shared/errors.ts'
import { MAX_CHANNELS, MAX_EARLY } from './limits.ts'

/** Channels that exist on every pipe. Streams get numbers above these: odd from the page, even from the worker. */
export const CHANNEL = { door: 1, mesh: 2, push: 3 } as const
const FIRST_FREE = 10

export interface Carrier {
  /** The channel of this number; opened by us or told to us by the other side. */
  channel(id: number): Port
  /** A number that is free on both sides. LIMIT_REACHED above MAX_CHANNELS. */
  allocate(): number
  /** Fires when the pipe ended, with the reason: everything on it is over. */
  readonly signal: AbortSignal
  end(reason: MeshError): void
}

/** Takes the pipe over. */
export function createCarrier(pipe: Port, side: 'page' | 'worker'): Carrier {
  const stop = new AbortController()
  const listeners = new Map<number, (message: unknown) => void>()
  const early = new Map<number, unknown[]>()
  const closed = new Set<number>()
  let next = FIRST_FREE + (side === 'page' ? 1 : 0)

  pipe.listen((packet) => {
    if (!Array.isArray(packet)) return
    const [id, message] = packet as [number, unknown]
    const listener = listeners.get(id)
    if (listener) return listener(message)
    if (closed.has(id)) return
    const held = early.get(id) ?? []
    if (held.length < MAX_EARLY && early.size < MAX_CHANNELS) early.set(id, [...held, message])
  })
  return {
    signal: stop.signal,
    allocate() {
      if (listeners.size >= MAX_CHANNELS) throw new MeshError('LIMIT_REACHED', `${MAX_CHANNELS} channels are open`)
      const id = next
      next += 2
      return id
    },
    channel: (id) => ({
      post: (message, transfer) => pipe.post([id, message], transfer),
      listen(receive) {
        listeners.set(id, receive)
        const held = early.get(id) ?? []
        early.delete(id)
        for (const message of held) receive(message)
      },
      close() {
        listeners.delete(id)
        early.delete(id)
        // Remembered for a while only: late messages of a channel come soon or never.
        closed.add(id)
        for (const old of closed) if (closed.size > MAX_CHANNELS) closed.delete(old)
      },
    }),
    end(reason) {
      if (stop.signal.aborted) return
      stop.abort(reason)
      pipe.close()
      listeners.clear()
      early.clear()
    },
  }
}
