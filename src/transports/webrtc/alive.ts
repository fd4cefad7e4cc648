/** Notices that a direct connection died without a word (docs/adr/0008): probes and echoes of one byte on a data channel of their own, which never wait behind yamux. Must never call a connection dead whose packets still arrive, nor after a stall of our own. */
import type { Clock } from '../../shared/clock.ts'
import { ALIVE } from '../../wire/ids.ts'
import type { ChannelLike, PeerConnectionLike } from './channel-connection.ts'
import {
  ALIVE_BUSY,
  ALIVE_DEADLINE,
  ALIVE_IDLE,
  ALIVE_LIMIT,
  ALIVE_QUEUED,
  ALIVE_REPEAT,
  ALIVE_RTTS,
  ALIVE_SHARE,
  ALIVE_STALL,
  ALIVE_TURN,
  ALIVE_USED,
} from './limits.ts'

export interface AliveParts {
  /** Both sides have it by agreement. With a peer of an older build, which never echoes, only its network stack's word counts. */
  readonly channel: ChannelLike
  readonly peerConnection: PeerConnectionLike & { getStats?(): Promise<ReadonlyMap<string, object>> }
  readonly clock: Clock
  readonly side: 'caller' | 'called'
  /** Connections that are watched now: the idle probes of all share one budget. */
  readonly others: () => number
  /** Called once, with how many ms nothing came. */
  readonly onDead: (silent: number) => void
}

export interface Alive {
  /** Bytes of the connection left or came. */
  sent(): void
  heard(): void
  stop(): void
}

export function watchAlive(parts: AliveParts): Alive {
  const { channel, peerConnection, clock } = parts
  const state = {
    heardAt: clock.monotonic(),
    usedAt: clock.monotonic(),
    /** monotonic and wall time of the oldest probe without an answer. */
    probe: undefined as { at: number; wall: number; last: number; asking: boolean } | undefined,
    answered: false,
    rtt: 0,
    over: false,
  }
  let timer: { at: number; cancel: () => void } | undefined

  const plan = (ms: number) => {
    timer?.cancel()
    if (state.over) return
    const at = clock.monotonic() + ms
    timer = { at, cancel: clock.after(ms, check) }
  }
  const heard = (): number => {
    const now = clock.monotonic()
    state.heardAt = now
    state.probe = undefined
    return now
  }
  const probe = (now: number) => {
    state.probe ??= { at: now, wall: clock.now(), last: now, asking: false }
    state.probe.last = now
    put(channel, ALIVE.probe)
  }
  const check = () => {
    const now = clock.monotonic()
    const late = now - (timer?.at ?? now)
    // Whoever could not run could not hear either.
    if (late > ALIVE_STALL) state.probe = undefined
    const { probe: open } = state
    if (!open) {
      const quiet = quietOf(now - state.usedAt, parts)
      if (now - state.heardAt < quiet) return plan(state.heardAt + quiet - now)
      probe(now)
      return plan(ALIVE_REPEAT)
    }
    if (now - open.at >= Math.max(ALIVE_DEADLINE, ALIVE_RTTS * state.rtt)) void judge(open)
    probe(now)
    plan(ALIVE_REPEAT)
  }
  const judge = async (open: NonNullable<typeof state.probe>) => {
    if (open.asking) return
    open.asking = true
    const arrived = await lastArrival(peerConnection).catch(() => undefined)
    open.asking = false
    if (state.over || state.probe !== open) return
    // The network may be well and the other side's page busy, or of a build that never echoes: what its network stack acknowledges counts.
    const reached = arrived === undefined ? !state.answered : arrived >= open.wall
    if (reached && !(state.answered && clock.monotonic() - open.at >= ALIVE_LIMIT)) return
    stop()
    parts.onDead(Math.round(clock.monotonic() - state.heardAt))
  }
  const stop = () => {
    state.over = true
    timer?.cancel()
  }
  channel.binaryType = 'arraybuffer'
  channel.addEventListener('message', (event) => {
    const [kind] = new Uint8Array((event as MessageEvent<ArrayBuffer>).data)
    const { probe: open } = state
    const now = heard()
    if (kind === ALIVE.probe) put(channel, ALIVE.echo)
    if (kind !== ALIVE.echo) return
    state.answered = true
    if (open) state.rtt = now - open.at
  })
  peerConnection.addEventListener('connectionstatechange', () => {
    // ICE misses its own checks: ask at once.
    if (peerConnection.connectionState === 'disconnected' && !state.probe && !state.over) {
      probe(clock.monotonic())
      plan(ALIVE_REPEAT)
    }
  })
  const begin = () => {
    if (state.over) return
    probe(clock.monotonic())
    plan(ALIVE_REPEAT)
  }
  // A path can die young: whether the peer echoes is asked first of all.
  if (channel.readyState === 'open') begin()
  else channel.addEventListener('open', begin, { once: true })
  return {
    sent() {
      const now = clock.monotonic()
      const wasIdle = now - state.usedAt > ALIVE_USED
      state.usedAt = now
      if (wasIdle && !state.probe) plan(ALIVE_BUSY)
    },
    heard() {
      state.usedAt = heard()
    },
    stop,
  }
}

/** ms without a byte after which it is asked. */
function quietOf(unused: number, { side, others }: AliveParts): number {
  if (unused < ALIVE_USED) return ALIVE_BUSY
  return Math.max(ALIVE_IDLE, others() * ALIVE_SHARE) + (side === 'called' ? ALIVE_TURN : 0)
}

/** A peer that asks without end gets no queue of answers. */
function put(channel: ChannelLike, kind: number): void {
  if (channel.readyState === 'open' && channel.bufferedAmount < ALIVE_QUEUED) channel.send(Uint8Array.of(kind))
}

/** Wall time in ms when the newest packet of data came, as the browser's network thread saw it. Undefined where it does not say. */
async function lastArrival(peerConnection: AliveParts['peerConnection']): Promise<number | undefined> {
  const stats = (await peerConnection.getStats?.()) ?? new Map<string, object>()
  const times = [...stats.values()].map((entry) => (entry as { lastPacketReceivedTimestamp?: number }).lastPacketReceivedTimestamp ?? 0)
  return Math.max(0, ...times) || undefined
}
