/** Reaches peers: by relay first, then upgrades to a direct path while bytes may already run (design §7(d)). One of the two sides dials, the one with the smaller key; the other helps after a grace. Every direct attempt is written down for "Why this path?". */
import { backoff } from '../core/backoff.ts'
import type { PathAttempt } from '../core/path.ts'
import type { PresenceEntry } from '../core/protocol.ts'
import { abortable, sleep, withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Circuit, type CircuitParts, circuitsTo } from './circuits.ts'
import { dialError } from './find-relay.ts'
import { DIAL_GRACE, DIAL_TIMEOUT, DIRECT_TIMEOUT, MAX_ATTEMPT_PEERS, MAX_ATTEMPTS, MAX_EAGER_PEERS, STEP } from './limits.ts'
import type { Link, Links } from './links.ts'
import { staggered } from './staggered.ts'
import type { Swarm } from './swarm.ts'

export interface ConnectorParts extends CircuitParts {
  /** A relay lets us wait: is it there at all? */
  readonly doubtRelay: (relay: string) => void
  readonly swarm: Swarm
  readonly links: Links
  readonly me: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** False while this place cannot do WebRTC (no window, switched off): then no direct attempt is made. */
  readonly canDirect: () => boolean
  readonly changed: (peer: string) => void
  /** Tried before WebRTC. */
  readonly near?: NearDialer | undefined
}

/** Another way to a direct link, of places that have one. */
export type NearDialer = (peer: string, parts: ConnectorParts, note: Connector['note'], signal: AbortSignal) => Promise<Link>

export interface Connector {
  /** An open link, dialling by relay when there is none. PEER_UNREACHABLE, KEY_MISMATCH, TIMEOUT. */
  reach(peer: string, signal: AbortSignal): Promise<Link>
  /** A new relayed link, although there are others: they do not answer. */
  another(peer: string, signal: AbortSignal): Promise<Link>
  /** Try for a direct link now; resolves with it or rejects with the last attempt's error. */
  upgrade(peer: string, signal: AbortSignal): Promise<Link>
  /** Keep those who are here connected; forget those who left. */
  follow(entries: readonly PresenceEntry[]): void
  attempts(peer: string): readonly PathAttempt[]
  note(peer: string, attempt: PathAttempt): void
  /** What was tried by relay, one for each relay, newest last. */
  circuits(peer: string): readonly CircuitAttempt[]
  /** The network changed: forget back-off. */
  kick(): void
  /** A relay is there again: whoever has no path is tried at once. */
  retry(): void
}

/** How the newest try through one relay went. */
export interface CircuitAttempt {
  readonly kind: 'relayed'
  readonly relay: string
  /** 'ok' or a code. */
  readonly outcome: string
  readonly ms: number
  readonly at: number
}

interface Ways {
  note(peer: string, attempt: CircuitAttempt): void
}

interface Pursuit {
  readonly stop: AbortController
  wake: () => void
}

/** ms between direct attempts at most; a network change starts anew. */
const DIRECT_RETRY = { first: 5_000, cap: 300_000 }

export function createConnector(parts: ConnectorParts, signal: AbortSignal): Connector {
  const { clock, links, me } = parts
  const pursuits = new Map<string, Pursuit>()
  const attempts = new Map<string, PathAttempt[]>()
  const reaching = new Map<string, Promise<Link>>()
  const upgrading = new Map<string, Promise<Link>>()
  const renewing = new Map<string, Promise<Link>>()
  const circuits = new Map<string, CircuitAttempt[]>()

  const note = (peer: string, attempt: PathAttempt) => {
    const list = attempts.get(peer) ?? []
    const last = list.at(-1)
    // An attempt replaces its own 'trying'; the same refusal again only moves in time.
    const replaces = last && (last.outcome === 'trying' || (last.outcome === attempt.outcome && last.what === attempt.what))
    attempts.delete(peer)
    attempts.set(peer, [...(replaces ? list.slice(0, -1) : list), attempt].slice(-MAX_ATTEMPTS))
    if (attempts.size > MAX_ATTEMPT_PEERS) attempts.delete(attempts.keys().next().value as string)
    parts.changed(peer)
  }
  const noteCircuit = (peer: string, attempt: CircuitAttempt) => {
    const others = (circuits.get(peer) ?? []).filter(({ relay }) => relay !== attempt.relay)
    circuits.delete(peer)
    circuits.set(peer, [...others, attempt].slice(-MAX_ATTEMPTS))
    if (circuits.size > MAX_ATTEMPT_PEERS) circuits.delete(circuits.keys().next().value as string)
  }
  const shared = (flights: Map<string, Promise<Link>>, peer: string, start: () => Promise<Link>): Promise<Link> => {
    const flight = flights.get(peer) ?? start().finally(() => flights.delete(peer))
    flights.set(peer, flight)
    return flight
  }
  const reach = async (peer: string, own: AbortSignal): Promise<Link> => {
    const best = links.best(peer)
    return (
      best ??
      abortable(
        shared(reaching, peer, () => dialRelayed(peer, parts, noteCircuit, signal)),
        own,
      )
    )
  }
  const another = (peer: string, own: AbortSignal): Promise<Link> =>
    abortable(
      shared(renewing, peer, () => dialRelayed(peer, parts, noteCircuit, signal)),
      own,
    )
  const upgrade = async (peer: string, own: AbortSignal): Promise<Link> => {
    const direct = links.of(peer).find(({ path }) => path.kind === 'direct')
    return (
      direct ??
      abortable(
        shared(upgrading, peer, () => {
          const far = () => dialDirect(peer, parts, note, signal)
          return parts.near?.(peer, parts, note, signal).catch(far) ?? far()
        }),
        own,
      )
    )
  }

  const pursue = async (peer: string, pursuit: Pursuit, now: boolean) => {
    const own = pursuit.stop.signal
    // After a change here the other side knows nothing of it and sits out its back-off: then we dial, whoever's turn it is.
    const first = now || me < peer
    if (!first) await sleep(clock, DIAL_GRACE, own)
    for (let attempt = 0; !own.aborted; attempt++) {
      try {
        await reach(peer, own)
        if (first || attempt > 0) await upgrade(peer, own)
      } catch (error) {
        parts.log('mesh.reach.failed', { peer, code: toMeshError(error).code, attempt }, 'debug')
      }
      const changed = new Promise<void>((resolve) => (pursuit.wake = resolve))
      if (links.best(peer)?.path.kind === 'direct') {
        attempt = 0
        await abortable(changed, own)
      } else await Promise.race([sleep(clock, backoff(attempt + 1, parts.random(), DIRECT_RETRY), own), changed])
    }
  }

  const start = (peer: string, now = false) => {
    const pursuit: Pursuit = { stop: new AbortController(), wake: () => undefined }
    pursuits.set(peer, pursuit)
    pursue(peer, pursuit, now).catch(() => undefined)
  }

  links.onChange((peer, link, opened) => {
    if (!opened && pursuits.has(peer) && (link.path.kind === 'direct' || links.of(peer).length === 0)) pursuits.get(peer)?.wake()
  })
  signal.addEventListener('abort', () => {
    for (const { stop } of pursuits.values()) stop.abort(signal.reason)
  })

  return {
    reach,
    another,
    upgrade,
    note,
    circuits: (peer) => circuits.get(peer) ?? [],
    retry() {
      for (const [peer, { wake }] of pursuits) if (!links.best(peer)) wake()
    },
    follow(entries) {
      const here = new Set(entries.filter((entry) => entry.here && entry.peer !== me).map(({ peer }) => peer))
      for (const [peer, { stop }] of pursuits) {
        if (here.has(peer)) continue
        stop.abort(new MeshError('PEER_UNREACHABLE', 'the peer left'))
        pursuits.delete(peer)
        attempts.delete(peer)
      }
      for (const peer of here) if (!pursuits.has(peer) && pursuits.size < MAX_EAGER_PEERS && !signal.aborted) start(peer)
    },
    attempts: (peer) => attempts.get(peer) ?? [],
    kick() {
      for (const [peer, { stop }] of pursuits) {
        stop.abort()
        start(peer, true)
      }
    },
  }
}

/** A new circuit, through the relay that answers first; the next one is tried beside one that hangs. */
async function dialRelayed(peer: string, parts: ConnectorParts, note: Ways['note'], signal: AbortSignal): Promise<Link> {
  const { swarm, links, clock } = parts
  const ways = circuitsTo(peer, parts)
  if (ways.length === 0) throw new MeshError('PEER_UNREACHABLE', 'no relay holds a place for us now')
  const drop = (late: Link) => late.connection.abort(new MeshError('ABORTED', 'another way was first'))
  const whole = { clock, signal, step: () => STEP, most: ways.length, onFailure: 'next', drop } as const
  return staggered<Link>(whole, async (n, own) => {
    const { address, relay } = ways[n] as Circuit
    const start = clock.monotonic()
    const stalled = clock.after(STEP, () => parts.doubtRelay(relay))
    const tell = (outcome: string) => note(peer, { kind: 'relayed', relay, outcome, ms: Math.round(clock.monotonic() - start), at: clock.now() })
    try {
      const connection = await withDeadline(clock, DIAL_TIMEOUT, 'reaching the peer', own, (dialling) => swarm.dial(address, dialling))
      const link = links.of(peer).find((one) => one.connection === connection)
      if (!link) throw new MeshError('PATH_LOST', 'it closed at once')
      tell('ok')
      return link
    } catch (error) {
      const known = dialError(error, peer)
      const failure = known.code === 'RELAY_UNREACHABLE' ? new MeshError('PEER_UNREACHABLE', known.message, { cause: error }) : known
      if (!own.aborted) tell(failure.code)
      throw failure
    } finally {
      stalled()
    }
  })
}

async function dialDirect(peer: string, parts: ConnectorParts, note: Connector['note'], signal: AbortSignal): Promise<Link> {
  const { swarm, links, clock } = parts
  if (!parts.canDirect()) {
    note(peer, { transport: 'webrtc', what: 'WebRTC', outcome: 'NOT_SUPPORTED', at: clock.now() })
    throw new MeshError('NOT_SUPPORTED', 'this place cannot do WebRTC now')
  }
  const [way] = circuitsTo(peer, parts)
  if (!way) throw new MeshError('PEER_UNREACHABLE', 'no relay carries the signalling')
  const direct = way.address.replace('/p2p-circuit/', '/p2p-circuit/webrtc/')
  // What was tried and how it went is told by the transport, which knows the candidates.
  try {
    const connection = await withDeadline(clock, DIRECT_TIMEOUT, 'the direct connection', signal, (own) => swarm.dial(direct, own))
    const link = links.of(peer).find((one) => one.connection === connection)
    if (!link) throw new MeshError('PATH_LOST', 'it closed at once')
    return link
  } catch (error) {
    throw dialError(error, peer)
  }
}
