/** The mesh of a relay: hop, presence, direct listener and STUN around createMesh, and their numbers. */
import { join } from 'node:path'
import type { AccessFile } from '../src/access/access-file.node.ts'
import { layerPolicies, type RelayPolicy } from '../src/access/layers.node.ts'
import { createPolicy } from '../src/access/policy.ts'
import type { Who } from '../src/core/access.ts'
import type { Identity } from '../src/core/identity.ts'
import type { RecordStore } from '../src/core/stores.ts'
import type { Transport } from '../src/core/transport.ts'
import { createMesh } from '../src/mesh/create.ts'
import type { MeshHost, MeshProtocols } from '../src/mesh/parts.ts'
import { createEcho } from '../src/protocols/echo/protocol.ts'
import { createLazyHttp } from '../src/protocols/http/lazy.ts'
import { createMessages } from '../src/protocols/message/protocol.ts'
import { createPubsub } from '../src/protocols/pubsub/protocol.ts'
import type { Clock } from '../src/shared/clock.ts'
import { MeshError } from '../src/shared/errors.ts'
import type { Log } from '../src/shared/log.ts'
import { openSqliteRecords } from '../src/storage/sqlite.node.ts'
import type { HopComponents } from '../src/transports/relay/components.ts'
import { createHopServer, type HopServer } from '../src/transports/relay/server.ts'
import { createTcp } from '../src/transports/tcp/transport.node.ts'
import { loadDirectCertificate } from '../src/transports/webrtc-direct/certificate.node.ts'
import { createDirectDoor, type DirectDoor } from '../src/transports/webrtc-direct/listener.node.ts'
import { createWebRtcDirect } from '../src/transports/webrtc-direct/transport.ts'
import { openNodeSocket, type WebSocketDoor } from '../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../src/transports/websocket/transport.ts'
import { PROTOCOL } from '../src/wire/ids.ts'
import { directListen, stunListen } from './addresses.ts'
import type { RelayNumbers } from './admin/metrics.ts'
import type { RelayConfig } from './config/config.ts'
import { createFilesOff } from './files-off.ts'
import type { Front } from './front/server.ts'
import { openLan } from './lan.ts'
import { AFTER_DRAIN, MAX_PEERS, RECHECK_AFTER } from './limits.ts'
import { createRelayKad, type RelayKad } from './relay-kad.ts'
import { createRelayPresence, type RelayPresence } from './relay-presence.ts'
import { checkTcpPort, checkUdpPort } from './start-parts.ts'
import { createStunServer, type StunServer } from './stun/server.ts'

export interface RelayMeshParts {
  readonly config: RelayConfig
  readonly version: string
  /** IP address the front listens on. */
  readonly address: string
  /** IP address to bind UDP sockets to. */
  readonly udp: string
  readonly identity: Identity
  readonly access: AccessFile
  readonly door: WebSocketDoor
  /** See Front. */
  readonly hasSeen: Front['hasSeen']
  readonly clock: Clock
  readonly log: Log
}

export interface RelayMesh {
  readonly mesh: MeshHost
  readonly records: RecordStore
  readonly hop: HopServer
  readonly kad: RelayKad
  readonly stun?: StunServer
  readonly direct?: DirectDoor
}

/** Starts them; `stack` closes them. PORT_IN_USE, BAD_CONFIG, STORAGE_FAILED. */
export async function openRelayMesh(parts: RelayMeshParts, stack: AsyncDisposableStack): Promise<RelayMesh> {
  const { config, address, identity, door, clock, log } = parts
  const records = await openSqliteRecords(join(config.dataDir, 'records.sqlite'))
  stack.defer(() => records.close())
  const access = layerPolicies(parts.access, await createPolicy({ records, defaults: [], clock, log }), clock)
  const stun = await openStun(parts)
  if (stun) stack.defer(stun.close)
  const direct = config.udp === 'off' ? undefined : await openDirect(parts, config.udp)
  const rolesOf = rolesBy(access, identity.peer)
  const kad = createRelayKad({ config, identity, clock, log })
  const { decide, spend } = access
  const late: { hop?: HopServer } = {}
  const recheck = gather(clock, () => {
    presence.recheck()
    late.hop?.recheck()
  })
  const mayBeInLobby = (peer: string) => decide({ peer, roles: rolesOf(peer) }, 'presence.join', PROTOCOL.presence, IDLE, clock.now()).allow
  const presence = await createRelayPresence({ records, mayBeInLobby, onChange: recheck, told: kad.told })
  const hopService = createHopServer({ decide, spend, rolesOf, meshesOf: presence.meshesOf, clock, log, drainTime: AFTER_DRAIN })
  const listener = listenAt(address, door)
  const mesh = await createMesh({
    identity,
    records,
    transports: [listener, ...(direct ? [direct.transport] : []), ...(await openTcp(parts))],
    relays: [],
    policy: access,
    rolesOf,
    meshesOf: presence.meshesOf,
    protocols: await protocolsOf(parts, records, presence, kad),
    clock,
    log,
    name: config.name,
    version: parts.version,
    kind: 'relay',
    services: { hop: (components: HopComponents) => (late.hop = hopService(components)) },
    maxConnections: MAX_PEERS,
  })
  stack.defer(() => mesh.close())
  const { hop } = late
  if (!hop) throw new MeshError('INTERNAL', 'libp2p did not build the hop server')
  access.onChange(hop.recheck)
  access.onChange(presence.recheck)
  kad.start(mesh, stack)
  if (config.mdns) openLan({ mesh, clock, log }, stack)
  // libp2p goes on when one of several listeners fails, and does not say why; whoever runs the relay has to know.
  const isDirect = mesh.addresses().some((text) => text.includes('/webrtc-direct'))
  if (direct && !isDirect) log('relay.direct.unavailable', { udp: config.udp }, 'error')
  return { mesh, records, hop, kad, stun, direct: direct?.door }
}

async function protocolsOf({ clock, log }: RelayMeshParts, records: RecordStore, presence: RelayPresence, kad: RelayKad): Promise<MeshProtocols> {
  return {
    message: await createMessages({ records }),
    files: createFilesOff(),
    presence: presence.protocol,
    pubsub: createPubsub({ forward: true }),
    http: createLazyHttp({ clock, log }),
    find: kad.find,
    more: [createEcho(), presence.desk, ...kad.protocols],
  }
}

async function openStun({ config, udp, clock, log }: RelayMeshParts): Promise<StunServer | undefined> {
  if (config.stun === 'off') return undefined
  await checkUdpPort(udp, config.stun, '--stun')
  return createStunServer({ listen: stunListen(udp, config.stun), clock, log })
}

async function openTcp({ config, udp, clock }: RelayMeshParts): Promise<readonly Transport[]> {
  if (config.tcp === 'off') return []
  await checkTcpPort(udp, config.tcp, '--tcp')
  return [createTcp({ clock, listen: [`/ip${udp.includes(':') ? 6 : 4}/${udp}/tcp/${config.tcp}`] })]
}

interface Direct {
  readonly transport: Transport
  readonly door: DirectDoor
}

async function openDirect({ config, udp, hasSeen, clock, log }: RelayMeshParts, port: number): Promise<Direct> {
  // Before the native side tries, which prints lines of its own.
  await checkUdpPort(udp, port, '--udp')
  const { certificate } = await loadDirectCertificate(config.dataDir)
  const door = createDirectDoor({ certificate, isProven: hasSeen, clock, log })
  return { door, transport: createWebRtcDirect({ clock, log, createListener: door.createListener, listen: directListen(udp, port) }) }
}

/** Many show a certificate at once when a relay starts: everything is gone through once for all of them. */
function gather(clock: Clock, task: () => void): () => void {
  let due = false
  return () => {
    if (due) return
    due = true
    clock.after(RECHECK_AFTER, () => {
      due = false
      task()
    })
  }
}

const IDLE = { startsLastMinute: 0, concurrent: 0, used: {} } // who may be there, not how often

/** The front owns the port: the address here only makes libp2p ask the door for a listener. */
function listenAt(address: string, door: WebSocketDoor): Transport {
  const listen = [`/ip${address.includes(':') ? 6 : 4}/${address}/tcp/0/ws`]
  return createWebSocket({ open: openNodeSocket, createListener: door.createListener, listen })
}

/** Whoever reaches a relay is in its lobby, which has rows only where the operator wants one. Whom access.json names as owner has the rows of 'own' too. */
function rolesBy(access: RelayPolicy, self: string): (peer: string) => Who['roles'] {
  return (peer) => {
    if (peer === self) return ['self']
    return access.owners().has(peer) ? ['own', 'lobby'] : ['lobby']
  }
}

/** A snapshot for metrics and `dmesh status`. */
export function readNumbers(front: Front, { mesh, hop, kad, stun, direct }: RelayMesh): RelayNumbers {
  const counters = hop.counters()
  const { sockets, upgradesRefused } = front.stats()
  return {
    connections: mesh.connections(),
    sockets,
    presence: mesh.peers.filter(({ path }) => path !== 'away').length,
    reservations: counters.reservationsNow,
    circuits: counters.circuitsNow,
    reservationsTotal: counters.reservations,
    circuitsTotal: counters.circuits,
    relayedForward: counters.forward,
    relayedBack: counters.back,
    refused: { upgrade: upgradesRefused, ...counters.refused },
    cut: counters.cut,
    kad: kad.numbers(),
    stun: { ...stun?.counters },
    direct: { ...direct?.counters },
  }
}
