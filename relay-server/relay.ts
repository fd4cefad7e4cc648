/** One relay from its parts: data directory, key, access file, front, mesh, admin listener, local API. The command line and the tests start the same one. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type AccessFile, openAccessFile } from '../src/access/access-file.node.ts'
import { defaultRows } from '../src/access/rows.ts'
import type { Identity } from '../src/core/identity.ts'
import type { SiteConfig } from '../src/core/site-config.ts'
import { MAX_ENTRIES, MAX_ENTRIES_PER_PREFIX } from '../src/discovery/registry/limits.ts'
import { loadFileIdentity } from '../src/identity/file.node.ts'
import { linkRows } from '../src/mesh/link-rows.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { withDeadline } from '../src/shared/async.ts'
import { type Clock, systemClock } from '../src/shared/clock.ts'
import { MeshError } from '../src/shared/errors.ts'
import type { LogControl } from '../src/shared/log.ts'
import { createWebSocketDoor } from '../src/transports/websocket/listener.node.ts'
import { bindAddress, followPublicName, type PublicAddresses, secureHost, udpAddress, webSocketAddresses } from './addresses.ts'
import { createMetrics, type RelayNumbers } from './admin/metrics.ts'
import { startAdmin } from './admin/server.ts'
import type { RelayConfig } from './config/config.ts'
import { takeDataDir } from './data-dir.ts'
import { type DistFiles, loadDist } from './front/dist-files.ts'
import { hostText, isLoopback, LOCAL_APP_HOST } from './front/hosts.ts'
import type { SiteContext } from './front/options.ts'
import { type Front, startFront } from './front/server.ts'
import { CLOSE_MS, DRAIN_MS } from './limits.ts'
import { startLocalApi } from './local-api/server.ts'
import { createLocalParts } from './local-parts.ts'
import { openRelayMesh, type RelayMesh, readNumbers } from './relay-mesh.ts'
import { buildSite } from './site.ts'
import { readTls } from './start-parts.ts'
import { publicReason, type Reach } from './start-text.ts'

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
  /** True when this start made the key. */
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

/** What is known before anything listens. */
interface Basis {
  readonly config: RelayConfig
  readonly deps: RelayDeps
  readonly clock: Clock
  /** IP address to bind. */
  readonly address: string
  readonly reach: Reach
  readonly lobby: boolean
  readonly files: DistFiles
  readonly identity: Identity
  readonly access: AccessFile
  readonly publicAddresses: PublicAddresses
}

/** Set while starting; the front reads it, which is up first so that its port is known. */
interface Late {
  running?: RelayMesh
  ready: boolean
}

/** BAD_CONFIG, PORT_IN_USE, PERMISSION_DENIED, STORAGE_FAILED; what was started until then is closed again. */
export async function startRelay(config: RelayConfig, deps: RelayDeps): Promise<Relay> {
  const stack = new AsyncDisposableStack()
  try {
    const basis = await prepare(config, deps, stack)
    return await open(basis, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function prepare(config: RelayConfig, deps: RelayDeps, stack: AsyncDisposableStack): Promise<Basis> {
  const clock = deps.clock ?? systemClock()
  const { log } = deps.log
  const reach = { listenHost: config.listen.host, publicUrl: config.publicUrl, trustProxy: config.trustProxy }
  const lobby = config.lobby ?? publicReason(reach) === undefined
  const address = await bindAddress(config.listen.host)
  const dir = takeDataDir(config.dataDir)
  stack.defer(dir.release)
  const identity = await loadFileIdentity(config.dataDir)
  const defaults = [...linkRows(), ...defaultRows('relay', lobby)]
  const access = await openAccessFile({ path: accessPath(config), defaults, clock, log })
  stack.defer(access.close)
  const publicAddresses = await followPublicName(config.publicUrl, clock, log)
  return { config, deps, clock, address, reach, lobby, files: loadDist(deps.dist), identity, access, publicAddresses }
}

function accessPath({ dataDir }: RelayConfig): string {
  return join(dataDir, 'access.json')
}

async function open(basis: Basis, stack: AsyncDisposableStack): Promise<Relay> {
  const { config, deps, clock, address, reach, lobby, files, identity, access } = basis
  const { log } = deps.log
  const late: Late = { ready: false }
  const door = createWebSocketDoor(() => webSocketAddresses(address, front.port, Boolean(config.tls), config.publicUrl))
  const front = await openFront(basis, late, door.accept)
  stack.defer(front.close)
  const running = await openRelayMesh(
    {
      config,
      version: deps.version,
      address,
      udp: udpAddress(address, config.publicUrl),
      identity,
      access,
      door,
      hasSeen: front.hasSeen,
      clock,
      log,
    },
    stack,
  )
  late.running = running
  const { mesh, records } = running
  const places = describe(basis, late, front.port)
  const numbers = () => readNumbers(front, running)
  const ready = () => late.ready
  const adminUrl = await openAdmin(basis, numbers, ready, stack)
  const local = {
    config,
    mesh,
    records,
    identity,
    access,
    log: deps.log,
    version: deps.version,
    build: files.build,
    lobby,
    ...places,
    ready,
    numbers,
  }
  const api = await startLocalApi(config.dataDir, createLocalParts(local), log)
  stack.defer(api.close)
  late.ready = true
  log('relay.started', { peer: identity.peer, url: places.url, lobby })
  const { peer, isNew } = identity
  const shared = { peer, isNew, lobby, reach, page: files.present, adminUrl, port: front.port, mesh, numbers }
  return { ...shared, ...places, reload: () => reload(basis, front), close: createClose(basis, late, front, stack) }
}

function openFront(basis: Basis, late: Late, onUpgrade: Parameters<typeof startFront>[0]['onUpgrade']): Promise<Front> {
  const { config, deps, clock, address, files } = basis
  return startFront({
    listen: { host: address, port: config.listen.port },
    listenName: config.listen.host,
    tls: readTls(config.tls),
    publicUrl: config.publicUrl,
    trustProxy: config.trustProxy,
    files,
    site: (context) => describeSite(basis, late, context),
    ready: () => late.ready,
    onUpgrade,
    clock,
    log: deps.log.log,
  })
}

function describeSite({ config, deps, lobby, files, identity, publicAddresses }: Basis, { running }: Late, context: SiteContext): SiteConfig {
  const direct = (running?.mesh.addresses() ?? []).filter((text) => text.includes('/webrtc-direct/certhash/'))
  const facts = { peer: identity.peer, version: deps.version, build: files.build, name: config.name, lobby }
  const reached = { direct: direct.map((text) => text.replace(/\/p2p\/[^/]+$/, '')), stunPort: running?.stun?.addresses[0]?.port }
  const quotas = { ...running?.hop.quotas, presence: MAX_ENTRIES, presencePerPrefix: MAX_ENTRIES_PER_PREFIX }
  return buildSite({ ...facts, ...reached, quotas, publicAddresses: publicAddresses.current() }, context)
}

/** Where to open it, and where programs on this computer reach it. */
function describe(basis: Basis, late: Late, port: number): Pick<Relay, 'url' | 'addresses'> {
  const { config, address } = basis
  const tls = readTls(config.tls)
  const secure = tls !== undefined
  const reached = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  const host = tls ? secureHost(config.listen.host, tls.cert) : isLoopback(reached) ? LOCAL_APP_HOST : config.listen.host
  const url = config.publicUrl ?? `${secure ? 'https' : 'http'}://${hostText({ host, port, secure })}`
  const context: SiteContext = { host: { host: reached, port, secure, kind: 'local' }, localAddress: reached }
  return { url, addresses: describeSite(basis, late, context).addresses }
}

async function openAdmin(
  { config, deps }: Basis,
  numbers: () => RelayNumbers,
  ready: () => boolean,
  stack: AsyncDisposableStack,
): Promise<string | undefined> {
  if (config.admin === 'off') return undefined
  const admin = await startAdmin({ listen: config.admin, metrics: createMetrics(numbers, deps.version), ready })
  stack.defer(admin.close)
  return `http://${hostText({ host: config.admin.host, port: admin.port, secure: false })}`
}

async function reload({ config, access }: Basis, front: Front): Promise<void> {
  if (existsSync(accessPath(config))) await access.reload()
  const tls = readTls(config.tls)
  if (!tls) return
  try {
    front.setCertificate(tls)
  } catch (error) {
    throw new MeshError('BAD_CONFIG', `--tls-cert and --tls-key do not fit together (${(error as Error).message}); the old ones stay.`, {
      cause: error,
    })
  }
}

function createClose({ clock, deps }: Basis, late: Late, front: Front, stack: AsyncDisposableStack): Relay['close'] {
  const { log } = deps.log
  let closing: Promise<void> | undefined
  const end = async (drain: number) => {
    late.ready = false
    log('relay.draining', { circuits: late.running?.hop.circuits().length })
    front.stopAccepting()
    await late.running?.hop.drain(drain)
    const closed = withDeadline(clock, CLOSE_MS, 'closing the relay', undefined, () => stack.disposeAsync())
    await closed.catch((error: Error) => log('relay.close.failed', { message: error.message }, 'error'))
    log('relay.stopped', {})
  }
  return (drain = DRAIN_MS) => (closing ??= end(drain))
}
