/** Joins the parts of the mesh room: swarm, links, gate, connector, keepers, protocols, snapshot. createMesh puts the API in front of it. */
import type { Who } from '../core/access.ts'
import type { MeshEvents, OpenOptions } from '../core/mesh.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import type { MeshesService } from '../core/private-mesh.ts'
import type { FilesService, MessageService, PresenceEntry, PresenceService, ProtocolHost, PubsubHost, PubsubService } from '../core/protocol.ts'
import type { GossipOptions } from '../core/pubsub.ts'
import { type Bus, createBus } from '../shared/bus.ts'
import type { Connector } from './connector.ts'
import { createGate, type Gate } from './gate.ts'
import { createHandlers, type Handlers } from './handlers.ts'
import { RELAY_WINDOW, STREAM_WINDOW } from './limits.ts'
import { createLinks, type Links } from './links.ts'
import { createLazyMeshes, type WithMeshes } from './meshes/lazy.ts'
import { createNewcomers } from './newcomers.ts'
import type { MeshParts } from './parts.ts'
import { createNames, type Names } from './petnames.ts'
import { toPrivateKey } from './private-key.ts'
import { createRelaySet, type RelaySet } from './relay-set.ts'
import type { RttMeter } from './rtt.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { createSwarm, type Swarm } from './swarm.ts'
import { keepTrimmed, watchClock } from './upkeep.ts'
import { createWays, type Ways } from './ways.ts'

export interface Services {
  readonly message: MessageService
  readonly files: FilesService
  readonly presence: PresenceService
  /** Undefined where it is switched off. */
  readonly pubsub?: PubsubService
  readonly meshes: MeshesService
}

export interface Engine {
  readonly parts: MeshParts
  readonly stop: AbortController
  readonly bus: Bus<MeshEvents>
  readonly swarm: Swarm
  readonly links: Links
  readonly names: Names
  readonly gate: Gate
  readonly handlers: Handlers
  readonly connector: Connector
  readonly relays: RelaySet
  readonly services: Services
  readonly snapshot: Snapshot
  readonly rtt: RttMeter
  readonly ways: Ways
  open(peer: string, protocol: string, options?: OpenOptions): Promise<PeerStream>
  kick(): void
}

/** Builds and starts everything. Ends with `stop`. */
export async function startEngine(parts: MeshParts & WithMeshes): Promise<Engine> {
  const { clock, log, policy, identity } = parts
  const stop = new AbortController()
  const { signal } = stop
  const bus = createBus<MeshEvents>({ onError: (type) => log('mesh.listener.threw', { type }, 'error') })
  const swarm = await createSwarm({
    ...parts,
    privateKey: toPrivateKey(identity),
    agent: `dmesh/${parts.version}`,
    window: parts.kind === 'relay' ? RELAY_WINDOW : STREAM_WINDOW,
  })
  const links = createLinks(swarm, clock, signal)
  const names = await createNames(parts.records, parts.name)
  const relays = createRelaySet()
  const { isRelay } = relays
  const late: Late = { entries: () => [], touch: () => undefined, peers: () => [], sharedWith: () => [], sealFor: async () => undefined }
  const roles = (peer: string) => rolesOf(peer, parts, isRelay, late)
  const newcomers = createNewcomers((peer) => roles(peer).length > 0, clock)
  const meshesOf = (peer: string) => parts.meshesOf?.(peer) ?? late.sharedWith(peer)
  const gate = createGate(swarm, { policy, rolesOf: roles, meshesOf, named: newcomers.named, clock, log, used: links.touch })
  const entries = () => late.entries()
  const ways = createWays({ parts, swarm, links, relays, gate, entries, changed: () => late.touch() }, signal)
  const { connector, open, kick, rtt, rttOf } = ways
  const handlers = createHandlers({ gate, links, log })
  const { disconnect, remoteAddress, keep } = handlers
  const host: ProtocolHost = { identity, clock, log, bus, open, peers: () => late.peers(), disconnect, remoteAddress, keep, rttOf }
  const openGossip = async (options: GossipOptions) => {
    const { createGossip } = await import('./gossip.ts')
    return createGossip({ swarm, links, clock, log, random: parts.random ?? Math.random, ...options }, signal)
  }
  const started = await startProtocols(parts, handlers, { ...host, openGossip, sealFor: (mesh) => late.sealFor(mesh) }, signal)
  const changed = () => late.touch()
  const around = { ways, links, gate, handlers, names }
  const meshes = createLazyMeshes({ parts, host, ...around, presence: started.presence, changed, signal })
  const services = { ...started, meshes }
  const snapshot = createSnapshot(sources(parts, { links, connector, names, relays, services, isRelay, signal }), bus, clock)
  const { peers, touch } = snapshot
  Object.assign(late, { entries: () => services.presence.entries(), touch, peers, sharedWith: meshes.sharedWith, sealFor: meshes.sealFor })

  services.presence.rename(names.mine())
  await swarm.libp2p.start()
  await gate.answerLinks()
  const engine: Engine = { parts, stop, bus, swarm, links, names, gate, handlers, connector, relays, services, snapshot, rtt, ways, open, kick }
  follow(engine, isRelay)
  services.presence.onChange(newcomers.told, signal)
  if (parts.relayClient) for (const source of parts.relays) ways.keep(source, parts.relayClient, services.presence)
  return engine
}

/** Known only after the protocols run, asked only later. */
interface Late {
  entries: () => readonly PresenceEntry[]
  touch: () => void
  peers: ProtocolHost['peers']
  sharedWith: MeshesService['sharedWith']
  sealFor: MeshesService['sealFor']
}

function rolesOf(peer: string, parts: MeshParts, isRelay: (peer: string) => boolean, late: Late): Who['roles'] {
  if (parts.rolesOf) return parts.rolesOf(peer)
  if (peer === parts.identity.peer) return ['self']
  const shared = late.sharedWith(peer).map(({ role }) => role)
  const admitted = [...new Set(shared.includes('owner') ? (['member', ...shared] as const) : shared)]
  const lobby = isRelay(peer) || late.entries().some((entry) => entry.peer === peer && entry.meshes.includes('lobby'))
  return [...admitted, ...(lobby ? (['lobby'] as const) : [])]
}

async function startProtocols(
  { protocols }: MeshParts,
  handlers: Handlers,
  host: PubsubHost,
  signal: AbortSignal,
): Promise<Omit<Services, 'meshes'>> {
  const { service: message } = await handlers.start(protocols.message, host, signal)
  const { service: files } = await handlers.start(protocols.files, host, signal)
  const { service: presence } = await handlers.start(protocols.presence, host, signal)
  for (const protocol of protocols.more ?? []) await handlers.start(protocol, host, signal)
  return { message, files, presence, pubsub: protocols.pubsub?.start(host, signal) }
}

type SourceParts = Pick<Engine, 'links' | 'connector' | 'names' | 'relays' | 'services'> & {
  isRelay: (peer: string) => boolean
  signal: AbortSignal
}

function sources({ identity, version }: MeshParts, { links, connector, names, relays, services, isRelay, signal }: SourceParts) {
  return {
    links,
    connector,
    entries: () => services.presence.entries(),
    petname: (peer: string) => names.petname(peer) ?? services.meshes.nameOf(peer),
    isRelay,
    stopped: () => signal.aborted,
    me: identity.peer,
    rest: () => ({
      peer: identity.peer,
      vip: identity.names.vip,
      name: names.mine(),
      names: identity.names,
      isNew: identity.isNew,
      relays: relays.infos(),
      transfers: services.files.transfers(),
      messages: services.message.messages(),
      settings: services.message.settings(),
      meshes: services.meshes.infos(),
      version,
    }),
  }
}

/** Who listens to whom, once everything stands. */
function follow(engine: Engine, isRelay: (peer: string) => boolean): void {
  const { parts, stop, bus, links, connector, services, snapshot, ways, gate, kick } = engine
  const { signal } = stop
  links.onChange((peer, { connection, path }, opened) => {
    if (opened && path.rtt === undefined) {
      ways.opened(peer, path, connection)
      if (!isRelay(peer)) services.message.flush(peer)
    }
    snapshot.touch()
  })
  services.presence.onChange(() => {
    // A relay waits to be dialled: it holds thousands and cannot reach out to any.
    if (parts.kind !== 'relay') {
      connector.follow(services.presence.entries())
      flushWaiting(services)
    }
    snapshot.touch()
  }, signal)
  for (const type of ['transferchange', 'fileoffer', 'message', 'messagechange'] as const) bus.on(type, snapshot.touch, { signal })
  parts.policy.onChange(gate.recheck, { signal })
  watchClock(parts.clock, signal, kick)
  keepTrimmed({ links, clock: parts.clock, signal, isRelay, log: parts.log, high: parts.maxConnections })
}

/** Whoever is here may be sent to, linked or not: of many only some are connected ahead of need. */
function flushWaiting({ presence, message }: Services): void {
  const here = new Set(presence.entries().flatMap((entry) => (entry.here ? [entry.peer] : [])))
  for (const peer of message.waiting()) if (here.has(peer)) message.flush(peer)
}

/** Fires with either. */
export function anySignal(one: AbortSignal | undefined, two: AbortSignal): AbortSignal {
  return one ? AbortSignal.any([one, two]) : two
}
