/** Assembles the one MeshState snapshot from its sources and tells subscribers at most once a frame. Pure reading; it never changes a source. */
import type { MeshEvents, MeshState, PeerInfo } from '../core/mesh.ts'
import type { PresenceEntry } from '../core/protocol.ts'
import type { Bus } from '../shared/bus.ts'
import type { Clock } from '../shared/clock.ts'
import type { Connector } from './connector.ts'
import { MAX_AWAY, SNAPSHOT_INTERVAL, SNAPSHOT_REST } from './limits.ts'
import type { Links } from './links.ts'

export interface SnapshotSources {
  readonly links: Links
  readonly connector: Pick<Connector, 'attempts'>
  readonly entries: () => readonly PresenceEntry[]
  readonly petname: (peer: string) => string | undefined
  readonly isRelay: (peer: string) => boolean
  /** Everything of the snapshot but the peers. */
  readonly rest: () => Omit<MeshState, 'peers' | 'status'>
  readonly stopped: () => boolean
  readonly me: string
}

export interface Snapshot {
  /** Always up to date: a call that resolved has had its effect on it, whether or not the frame is over. */
  current(): MeshState
  /** As of the last frame: for questions that are asked often. */
  peers(): readonly PeerInfo[]
  /** Something changed: tell within a frame. */
  touch(): void
}

export function createSnapshot(sources: SnapshotSources, bus: Bus<MeshEvents>, clock: Clock): Snapshot {
  let told = build(sources)
  let state = told
  let scheduled = false
  let fresh = true
  const current = () => {
    if (!fresh) state = build(sources)
    fresh = true
    return state
  }
  let cost = 0 // ms that the last one took
  const refresh = () => {
    const begun = clock.monotonic()
    scheduled = false
    const before = new Map(told.peers.map((peer) => [peer.id, peer]))
    fresh = false
    told = current()
    for (const peer of told.peers) {
      const old = before.get(peer.id)
      if (!old || !samePeer(old, peer)) bus.emit('peerchange', peer)
    }
    bus.emit('statechange', told)
    cost = clock.monotonic() - begun
  }
  return {
    current,
    peers: () => told.peers,
    touch() {
      fresh = false
      if (scheduled) return
      scheduled = true
      clock.after(Math.max(SNAPSHOT_INTERVAL, cost * SNAPSHOT_REST), refresh)
    },
  }
}

function samePeer(a: PeerInfo, b: PeerInfo): boolean {
  return (
    a.path === b.path &&
    a.name === b.name &&
    a.rtt === b.rtt &&
    a.transport === b.transport &&
    a.attempts === b.attempts &&
    a.meshes.join() === b.meshes.join()
  )
}

function build(sources: SnapshotSources): MeshState {
  const peers = listPeers(sources)
  const rest = sources.rest()
  const direct = peers.some(({ path }) => path === 'direct')
  const reserved = rest.relays.some(({ status }) => status === 'reserved')
  const settled = rest.relays.some(({ status }) => status !== 'connecting')
  const running = direct ? 'direct' : reserved ? 'relayed' : settled ? 'offline' : 'starting'
  return { ...rest, peers, status: sources.stopped() ? 'stopped' : running }
}

function listPeers({ links, connector, entries, petname, isRelay, me }: SnapshotSources): readonly PeerInfo[] {
  const known = new Map(entries().map((entry) => [entry.peer, entry]))
  const ids = new Set([...known.keys(), ...links.peers()])
  ids.delete(me)
  const all = [...ids]
    .filter((id) => !isRelay(id))
    .map((id) => {
      const entry = known.get(id)
      const path = links.best(id)?.path
      return {
        id,
        name: petname(id) ?? entry?.name ?? '',
        path: path?.kind ?? (entry?.here ? 'relayed' : 'away'),
        transport: path?.transport,
        rtt: path?.rtt,
        relay: path?.kind === 'direct' ? undefined : (path?.relay ?? entry?.relay),
        attempts: connector.attempts(id),
        seen: path ? path.since : (entry?.seen ?? 0),
        kind: entry?.kind ?? 'browser',
        meshes: entry?.meshes ?? [],
      } satisfies PeerInfo
    })
  const here = all.filter(({ path }) => path !== 'away')
  const away = all.filter(({ path }) => path === 'away').sort((a, b) => b.seen - a.seen)
  return [...here.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id)), ...away.slice(0, MAX_AWAY)]
}
