/** One relay from its parts: data directory, key, access file, front, mesh with hop and presence, direct listener, STUN, admin listener, local API. The command line and the tests start the same one. */
import { join } from 'node:path'
import { type AccessFile, openAccessFile } from '../src/access/access-file.node.ts'
import { defaultRows } from '../src/access/rows.ts'
import type { Identity } from '../src/core/identity.ts'
import type { Transport } from '../src/core/transport.ts'
import { MAX_ENTRIES } from '../src/discovery/registry/limits.ts'
import { createPresenceServer } from '../src/discovery/registry/server.ts'
import { loadFileIdentity } from '../src/identity/file.node.ts'
import { createMesh } from '../src/mesh/create.ts'
import { linkRows } from '../src/mesh/gate.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { createEcho } from '../src/protocols/echo/protocol.ts'
import { createMessages } from '../src/protocols/message/protocol.ts'
import { withDeadline } from '../src/shared/async.ts'
import { type Clock, systemClock } from '../src/shared/clock.ts'
import type { LogControl } from '../src/shared/log.ts'
import { openSqliteRecords } from '../src/storage/sqlite.node.ts'
import type { HopComponents } from '../src/transports/relay/components.ts'
import { createHopServer, type HopServer } from '../src/transports/relay/server.ts'
import { loadDirectCertificate } from '../src/transports/webrtc-direct/certificate.node.ts'
import { createDirectDoor, type DirectDoor } from '../src/transports/webrtc-direct/listener.node.ts'
import { createWebRtcDirect } from '../src/transports/webrtc-direct/transport.ts'
import { createWebSocketDoor, openNodeSocket, type WebSocketDoor } from '../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../src/transports/websocket/transport.ts'
import { bindAddress, directListen, followPublicName, type PublicAddresses, stunListen, webSocketAddresses } from './addresses.ts'
import { createMetrics, type RelayNumbers } from './admin/metrics.ts'
import { startAdmin } from './admin/server.ts'
import type { RelayConfig } from './config/config.ts'
import { takeDataDir } from './data-dir.ts'
import { createFilesOff } from './files-off.ts'
import { type DistFiles, loadDist } from './front/dist-files.ts'
import { hostText, isLoopback, LOCAL_APP_HOST } from './front/hosts.ts'
import { type Front, type SiteContext, startFront } from './front/server.ts'
import { CLOSE_MS, DRAIN_MS } from './limits.ts'
import { startLocalApi } from './local-api/server.ts'
import { createLocalParts } from './local-parts.ts'
import { buildSite } from './site.ts'
import { checkUdpPort, readTls } from './start-parts.ts'
import { publicReason, type Reach } from './start-text.ts'
import { createStunServer, type StunServer } from './stun/server.ts'

export interface RelayDeps {
  readonly log: LogControl
  readonly version: string
  /** Folder of the built page. */
  readonly dist: string
  readonly clock?: Clock
}

export interface Relay {
  /** Origin to open in a browser. */
  readonly url: string
  readonly peer: string
  readonly isNew: boolean
  readonly lobby: boolean
  /** Multiaddr texts under which it is reached from this computer. */
  readonly addresses: readonly string[]
  /** Of the front. */
  readonly port: number
  readonly reach: Reach
  /** False = dist/ is missing. */
  readonly page: boolean
  readonly adminUrl?: string
  readonly mesh: MeshHost
  numbers(): RelayNumbers
  /** Read access file and certificates again. Rejects with BAD_CONFIG and keeps the old ones. */
  reload(): Promise<void>
  /** Refuse new work, give running circuits `drain` ms (default DRAIN_MS), then close everything. Idempotent. */
  close(drain?: number): Promise<void>
}

/** What startRelay shares among its steps. */
interface Building {
  readonly config: RelayConfig
  readonly deps: RelayDeps
  readonly clock: Clock
  /** Address to bind. */
  readonly address: string
  readonly lobby: boolean
  readonly files: DistFiles
  readonly identity: Identity
  readonly access: AccessFile
  readonly publicAddresses: PublicAddresses
  /** Set while starting; read by the front, which is up first so that its port is known. */
  readonly late: { mesh?: MeshHost; hop?: HopServer; stun?: StunServer; direct?: DirectDoor; ready: boolean }
}

/** BAD_CONFIG, PORT_IN_USE, PERMISSION_DENIED, STORAGE_FAILED; what was started until then is closed again. */
export async function startRelay(config: RelayConfig, deps: RelayDeps): Promise<Relay> {
  const stack = new AsyncDisposableStack()
  try {
    return await build(config, deps, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function build(config: RelayConfig, deps: RelayDeps, stack: AsyncDisposableStack): Promise<Relay> {
  const clock = deps.clock ?? systemClock()
  const { log } = deps.log
  const reach = { listenHost: config.listen.host, publicUrl: config.publicUrl, trustProxy: config.trustProxy }
  const lobby = config.lobby ?? publicReason(reach) === undefined
  const address = await bindAddress(config.listen.host)
  const dir = takeDataDir(config.dataDir)
  stack.defer(dir.release)
  const identity = await loadFileIdentity(config.dataDir)
  const access = await openAccessFile({
    path: join(config.dataDir, 'access.json'),
    defaults: [...linkRows(), ...defaultRows('relay', lobby)],
    clock,
    log,
  })
  stack.defer(access.close)
  const publicAddresses = await followPublicName(config.publicUrl, clock, log)
  const building: Building = {
    config,
    deps,
    clock,
    address,
    lobby,
    files: loadDist(deps.dist),
    identity,
    access,
    publicAddresses,
    late: { ready: false },
  }

  const door = createWebSocketDoor(() => webSocketAddresses(address, front.port, Boolean(config.tls), config.publicUrl))
  const front: Front = await openFront(building, door)
  stack.defer(front.close)
  const mesh = await openMesh(building, door, stack)
  const relay = describe(building, front, mesh)
  const adminUrl = await openAdmin(building, relay.numbers, stack)
  const local = createLocalParts({
    ...relay,
    config,
    mesh,
    identity,
    access,
    log: deps.log,
    version: deps.version,
    build: building.files.build,
    ready: () => building.late.ready,
  })
  const api = await startLocalApi(config.dataDir, local, log)
  stack.defer(api.close)
  building.late.ready = true
  log('relay.started', { peer: identity.peer, url: relay.url, lobby })

  let closing: Promise<void> | undefined
  const end = async (drain: number) => {
    building.late.ready = false
    log('relay.draining', {})
    front.stopAccepting()
    await building.late.hop?.drain(drain)
    await withDeadline(clock, CLOSE_MS, 'closing the relay', undefined, () => stack.disposeAsync()).catch((error: Error) =>
      log('relay.close.failed', { message: error.message }, 'error'),
    )
    log('relay.stopped', {})
  }
  return {
    ...relay,
    isNew: identity.isNew,
    reach,
    page: building.files.present,
    adminUrl,
    mesh,
    async reload() {
      await access.reload()
      const tls = readTls(config.tls)
      if (tls) front.setCertificate(tls)
    },
    close: (drain = DRAIN_MS) => (closing ??= end(drain)),
  }
}

function openFront({ config, deps, clock, address, files, late, ...rest }: Building, door: WebSocketDoor): Promise<Front> {
  return startFront({
    listen: { host: address, port: config.listen.port },
    listenName: config.listen.host,
    tls: readTls(config.tls),
    publicUrl: config.publicUrl,
    trustProxy: config.trustProxy,
    files,
    site: (context) => siteOf({ config, deps, clock, address, files, late, ...rest }, context),
    ready: () => late.ready,
    onUpgrade: door.accept,
    clock,
    log: deps.log.log,
  })
}

function siteOf({ config, deps, lobby, files, identity, publicAddresses, late }: Building, context: SiteContext) {
  const direct = (late.mesh?.addresses() ?? [])
    .filter((text) => text.includes('/webrtc-direct/certhash/'))
    .map((text) => text.replace(/\/p2p\/[^/]+$/, ''))
  const facts = {
    peer: identity.peer,
    version: deps.version,
    build: files.build,
    name: config.name,
    lobby,
    quotas: { ...late.hop?.quotas, presence: MAX_ENTRIES },
    direct,
  }
  return buildSite({ ...facts, stunPort: late.stun?.addresses[0]?.port, publicAddresses: publicAddresses.current() }, context)
}

async function openMesh(building: Building, door: WebSocketDoor, stack: AsyncDisposableStack): Promise<MeshHost> {
  const { config, deps, clock, address, identity, access, late } = building
  const { log } = deps.log
  const records = await openSqliteRecords(join(config.dataDir, 'records.sqlite'))
  stack.defer(() => records.close())
  const hopService = createHopServer({ decide: access.decide, clock, log, drainTime: 1 })
  if (config.stun !== 'off') {
    await checkUdpPort(address, config.stun, '--stun')
    late.stun = await createStunServer({ listen: stunListen(address, config.stun), clock, log })
    stack.defer(late.stun.close)
  }
  const listener = createWebSocket({ open: openNodeSocket, createListener: door.createListener, listen: [`/ip4/127.0.0.1/tcp/0/ws`] })
  const mesh = await createMesh({
    identity,
    records,
    transports: [listener, ...(await directTransport(building))],
    relays: [],
    policy: access,
    protocols: { message: await createMessages({ records }), files: createFilesOff(), presence: createPresenceServer(), more: [createEcho()] },
    clock,
    log,
    name: config.name,
    version: deps.version,
    kind: 'relay',
    services: { hop: (components: HopComponents) => (late.hop = hopService(components)) },
    maxConnections: late.hop?.quotas.reservations ?? 4096,
  })
  late.mesh = mesh
  stack.defer(() => mesh.close())
  access.onChange(() => late.hop?.recheck())
  return mesh
}

async function directTransport({ config, deps, clock, address, late }: Building): Promise<readonly Transport[]> {
  if (config.udp === 'off') return []
  await checkUdpPort(address, config.udp, '--udp')
  const { certificate } = await loadDirectCertificate(config.dataDir)
  late.direct = createDirectDoor({ certificate, clock, log: deps.log.log })
  return [createWebRtcDirect({ clock, log: deps.log.log, createListener: late.direct.createListener, listen: directListen(address, config.udp) })]
}

async function openAdmin({ config, deps, late }: Building, numbers: () => RelayNumbers, stack: AsyncDisposableStack): Promise<string | undefined> {
  if (config.admin === 'off') return undefined
  const admin = await startAdmin({ listen: config.admin, metrics: createMetrics(numbers, deps.version), ready: () => late.ready })
  stack.defer(admin.close)
  return `http://${hostText({ host: config.admin.host, port: admin.port, secure: false })}`
}

function describe(building: Building, front: Front, mesh: MeshHost): Pick<Relay, 'url' | 'peer' | 'lobby' | 'addresses' | 'port' | 'numbers'> {
  const { config, address, identity, lobby, late } = building
  const secure = Boolean(config.tls)
  const loopback = isLoopback(address) || address === '0.0.0.0' || address === '::'
  const host = loopback && !secure ? LOCAL_APP_HOST : config.listen.host
  const url = config.publicUrl ?? `${secure ? 'https' : 'http'}://${hostText({ host, port: front.port, secure })}`
  const localAddress = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  const context: SiteContext = { host: { host: localAddress, port: front.port, secure, kind: 'local' }, localAddress }
  return {
    url,
    peer: identity.peer,
    lobby,
    addresses: siteOf(building, context).addresses,
    port: front.port,
    numbers: () => readNumbers(front, mesh, late),
  }
}

function readNumbers(front: Front, mesh: MeshHost, { hop, stun, direct }: Building['late']): RelayNumbers {
  const counters = hop?.counters()
  const { sockets, upgradesRefused } = front.stats()
  return {
    connections: mesh.connections(),
    sockets,
    presence: mesh.peers.filter(({ path }) => path !== 'away').length,
    reservations: counters?.reservationsNow ?? 0,
    circuits: counters?.circuitsNow ?? 0,
    reservationsTotal: counters?.reservations ?? 0,
    circuitsTotal: counters?.circuits ?? 0,
    relayedForward: counters?.forward ?? 0,
    relayedBack: counters?.back ?? 0,
    refused: { upgrade: upgradesRefused, ...(counters?.refused as Record<string, number> | undefined) },
    cut: counters?.cut ?? {},
    stun: { ...stun?.counters },
    direct: { ...direct?.counters },
  }
}
