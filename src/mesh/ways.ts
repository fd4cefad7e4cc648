/** Everything about how others are reached, put together: relays, connector, round trips, pulse, and the streams that are opened over them. */
import type { Connection } from '@libp2p/interface'
import { relayOfAddress } from '../core/address.ts'
import type { Mesh, PathWhy, RelaysApi } from '../core/mesh.ts'
import type { Path } from '../core/path.ts'
import type { PresenceEntry, PresenceService } from '../core/protocol.ts'
import type { RelayClient, RelaySource } from '../core/transport.ts'
import { withDeadline } from '../shared/async.ts'
import { MeshError } from '../shared/errors.ts'
import { type Connector, createConnector } from './connector.ts'
import type { Gate } from './gate.ts'
import { createKeeper } from './keeper.ts'
import { OPEN_TIMEOUT } from './limits.ts'
import type { Links } from './links.ts'
import { type Agreed, createAgreed, openStream } from './open.ts'
import type { MeshParts } from './parts.ts'
import { createPulse, type Pulse } from './pulse.ts'
import type { RelaySet } from './relay-set.ts'
import { createRttMeter, type RttMeter } from './rtt.ts'
import type { Swarm } from './swarm.ts'

export interface WaysParts {
  readonly parts: MeshParts
  readonly swarm: Swarm
  readonly links: Links
  readonly relays: RelaySet
  readonly gate: Gate
  readonly entries: () => readonly PresenceEntry[]
  readonly changed: () => void
}

export interface Ways {
  readonly relays: RelaySet
  readonly connector: Connector
  readonly rtt: RttMeter
  readonly pulse: Pulse
  readonly agreed: Agreed
  readonly open: Mesh['open']
  /** ms to a connected peer over the best path. */
  rttOf(peer: string): number | undefined
  /** Keep a place at this relay from now on. */
  keep(source: RelaySource, client: RelayClient, presence: PresenceService): void
  /** The relays that were added, once they are read. Loaded behind what joining needs. */
  list(client: RelayClient, presence: PresenceService): Promise<RelaysApi>
  why(peer: string): Promise<PathWhy>
  /** A link opened: follow it, and look at older ones on the same way. */
  opened(peer: string, path: Path, connection: Connection): void
  /** Network or clock changed: look at everything now. */
  kick(): void
}

export function createWays({ parts, swarm, links, relays, gate, entries, changed }: WaysParts, signal: AbortSignal): Ways {
  const { clock, log, identity, random = Math.random, canDirect = () => true } = parts
  const me = identity.peer
  const placesOf = (peer: string) => entries().find((entry) => entry.peer === peer)?.places
  const doubtRelay = (relay: string) => relays.of(relay)?.kick()
  const circuits = { keepers: relays.keepers, links, placesOf, doubtRelay }
  const connector = createConnector({ ...circuits, swarm, me, clock, log, random, canDirect, changed, near: parts.near }, signal)
  const rtt = createRttMeter({ clock, log, measured: links.setRtt, signal })
  const doubt = (connection: Connection, silent: boolean) => {
    links.doubt(connection, silent)
    changed()
    // A circuit that is silent may say so of its relay.
    const relay = relayOfAddress(connection.remoteAddr.toString())
    if (silent && relay) doubtRelay(relay)
  }
  const pulse = createPulse({ clock, measure: rtt.measure, rttOf: links.rttOf, doubt, keptBy: relays.keeperOf, signal })
  const agreed = createAgreed()
  const keep: Ways['keep'] = (source, client, presence) => {
    const reserved = connector.retry
    const keeperParts = { swarm, links, pulse, client, presence, clock, log, random, changed, reserved, isTaken: relays.isTaken }
    relays.keep(createKeeper(source, keeperParts, signal))
  }
  return {
    relays,
    connector,
    rtt,
    pulse,
    agreed,
    keep,
    async list(client, presence) {
      const { relaySource: make, records } = parts
      if (!make) throw new MeshError('NOT_SUPPORTED', 'this mesh takes no more relays')
      const { openRelayList } = await import('./relay-list.ts')
      return openRelayList({ records, relays, changed, keep: (origin) => keep(make(origin), client, presence) })
    },
    async why(peer) {
      const { whyThisPath } = await import('./candidates.ts')
      return whyThisPath(peer, { links, connector, relays })
    },
    open(peer, protocol, { signal: own, direct = false } = {}) {
      const both = own ? AbortSignal.any([own, signal]) : signal
      const request = { peer, protocol, direct, connector, links, gate, agreed, pulse, clock, me }
      return withDeadline(clock, OPEN_TIMEOUT, `opening ${protocol}`, both, (opening) => openStream(request, opening))
    },
    rttOf: (peer) => links.best(peer)?.path.rtt,
    opened(peer, path, connection) {
      pulse.follow(connection)
      for (const other of links.of(peer)) if (other.connection !== connection && isSameWay(other.path, path)) void pulse.check(other.connection)
      rtt.watch(connection)
    },
    kick() {
      for (const keeper of relays.keepers()) keeper.kick()
      connector.kick()
    },
  }
}

/** A peer that comes again on the same way may have lost the older one: that must not stay in the way of the new. */
function isSameWay(a: Path, b: Path): boolean {
  return a.kind === b.kind && a.transport === b.transport && a.relay === b.relay
}
