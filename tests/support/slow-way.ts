/** A slow way between programs on loopback: TCP proxies that hold every byte for a fixed time in each direction, and count round trips by what depends on what, not by a clock. */
import { connect, createServer, type Socket } from 'node:net'

/** Crossings of each place: one more than the longest chain of bytes that led to what it has received. */
export interface Crossings {
  /** Of the chain that ends at `place`; 0 before anything came. */
  at(place: string): number
  reset(): void
}

export interface SlowWay {
  readonly port: number
  close(): Promise<void>
}

export interface SlowWayOptions {
  /** ms that a byte takes one way. */
  readonly delay: number
  readonly to: { readonly host: string; readonly port: number }
  /** Names of the two ends, for the count. */
  readonly from: string
  readonly target: string
  readonly crossings: ReturnType<typeof countCrossings>
}

/** One count for all ways of a test, so that what goes through several of them is one chain. What was on its way at a reset counts for nothing. */
export function countCrossings(): Crossings & { sent(from: string, to: string): () => void; shaken(from: string): void } {
  let places = new Map<string, number>()
  const at = (place: string) => places.get(place) ?? 0
  return {
    at,
    reset() {
      places = new Map()
    },
    shaken: (from) => void places.set(from, at(from) + 2),
    /** What it gives is to be called when it came. */
    sent(from, to) {
      const now = places
      const crossings = at(from) + 1
      return () => void now.set(to, Math.max(now.get(to) ?? 0, crossings))
    },
  }
}

/** Listens on loopback. Who connects waits as for the handshake of TCP: its first bytes leave one round trip late, and it counts as two crossings. */
export async function openSlowWay({ delay, to, from, target, crossings }: SlowWayOptions): Promise<SlowWay> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ ...to, noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    crossings.shaken(from)
    const since = performance.now() + 2 * delay
    carry({ source: client, sink: upstream, delay, since, leave: () => crossings.sent(from, target) })
    carry({ source: upstream, sink: client, delay, since: 0, leave: () => crossings.sent(target, from) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (!address || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

interface Carrying {
  readonly source: Socket
  readonly sink: Socket
  readonly delay: number
  /** Nothing leaves before; by performance.now(). */
  readonly since: number
  /** What it gives is called when the bytes came. */
  readonly leave: () => () => void
}

/** In order, however the timers fall: each piece waits for the one before it. */
function carry({ source, sink, delay, since, leave }: Carrying): void {
  let last = Promise.resolve()
  const later = (act: () => void) => {
    const due = Math.max(performance.now(), since) + delay
    last = last.then(() => new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))).then(act)
  }
  source.on('data', (bytes) => {
    const came = leave()
    later(() => {
      if (sink.destroyed) return
      came()
      sink.write(bytes)
    })
  })
  source.on('end', () => later(() => void sink.end()))
  source.on('close', () => later(() => void sink.destroy()))
}
