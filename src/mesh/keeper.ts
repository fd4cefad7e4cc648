/** Keeps one relay: resolve, dial, reserve, announce, renew; again after every loss, with back-off that a wake-up cuts short. A relay that is down at boot or restarted is normal, never an exception. */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { orderAddresses, peerOfAddress } from '../core/address.ts'
import { backoff } from '../core/backoff.ts'
import type { RelayInfo } from '../core/mesh.ts'
import type { PresenceService } from '../core/protocol.ts'
import type { RelayClient, RelaySite, RelaySource } from '../core/transport.ts'
import { abortable, sleep, throwIfAborted, withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { DIAL_TIMEOUT } from './limits.ts'
import type { Links } from './links.ts'
import type { Swarm } from './swarm.ts'

export interface KeeperParts {
  readonly swarm: Swarm
  readonly links: Links
  readonly client: RelayClient
  readonly presence: PresenceService
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly changed: () => void
}

export interface Keeper {
  info(): RelayInfo
  /** Multiaddr texts under which the relay was reached last, best first; empty before the first success. */
  addresses(): readonly string[]
  /** Something changed (network, wake-up): try now. */
  kick(): void
}

/** ms: the reservation is renewed when this share of it is over. */
const RENEW_AT = 0.5
/** ms: never renew more often than this. */
const RENEW_MIN = 10_000
/** ms: the longest wait between tries while the loss is fresh, so that a relay that restarts is found within two seconds; */
const RETRY_FRESH = 1_500
/** ms: … for how long a loss counts as fresh; */
const FRESH_LOSS = 300_000
/** ms: … and the longest wait afterwards, to spare batteries. A kick always tries at once. */
const RETRY_CAP = 15_000

export function createKeeper(source: RelaySource, parts: KeeperParts, signal: AbortSignal): Keeper {
  const { clock, log } = parts
  let info: RelayInfo = { id: '', name: source.name, status: 'connecting' }
  let reached: readonly string[] = []
  let wake = Promise.withResolvers<void>()
  let held = false // this session got a place
  const set = (change: Partial<RelayInfo>) => {
    info = { ...info, ...change }
    parts.changed()
  }

  const session = async () => {
    const site = await withDeadline(clock, DIAL_TIMEOUT, `the relay ${source.name}`, signal, (own) => source.resolve(own))
    set({ id: site.peer, name: site.name || source.name, quotas: site.quotas })
    const connection = await dialSite(site, parts, signal)
    const address = connection.remoteAddr.toString()
    const full = peerOfAddress(address) ? address : `${address}/p2p/${site.peer}`
    reached = [full, ...site.addresses.filter((other) => other !== full)]
    const over = new AbortController()
    const stop = () => over.abort(new MeshError('RELAY_UNREACHABLE', 'the connection to the relay ended'))
    connection.addEventListener('close', stop)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await holdPlace(site, connection, over.signal)
    } finally {
      connection.removeEventListener('close', stop)
      signal.removeEventListener('abort', stop)
      stop()
      parts.client.release(site.peer)
    }
  }

  const holdPlace = async (site: RelaySite, connection: Connection, over: AbortSignal) => {
    let announced: Promise<void> | undefined
    for (;;) {
      const { until } = await withDeadline(clock, DIAL_TIMEOUT, 'the reservation', over, (own) => parts.client.reserve(site.peer, own))
      const { path } = parts.links.of(site.peer).find((link) => link.connection === connection) ?? {}
      held = true
      set({ status: 'reserved', problem: undefined, transport: path?.transport, rtt: path?.rtt })
      log('relay.reserved', { relay: site.peer, seconds: Math.round((until - clock.now()) / 1000) })
      announced ??= parts.presence.join(site.peer, over)
      const wait = Math.max(RENEW_MIN, (until - clock.now()) * RENEW_AT)
      await Promise.race([sleep(clock, wait, over), announced.then(() => sleep(clock, wait, over))])
      throwIfAborted(over)
    }
  }

  const run = async () => {
    let lost = clock.monotonic()
    for (let attempt = 0; !signal.aborted; attempt++) {
      await session().catch((error: unknown) => {
        if (signal.aborted) return
        const own = toMeshError(error, 'RELAY_UNREACHABLE')
        const refused = own.code === 'RELAY_FULL' || own.code === 'ACCESS_DENIED' || own.code === 'OLD_INSTANCE'
        set({ status: refused ? 'refused' : 'unreachable', problem: { code: own.code, message: own.message } })
        log('relay.lost', { relay: source.name, code: own.code, attempt }, 'warn')
      })
      if (held) {
        held = false
        attempt = 0
        lost = clock.monotonic()
      }
      const cap = clock.monotonic() - lost < FRESH_LOSS ? RETRY_FRESH : RETRY_CAP
      wake = Promise.withResolvers()
      await Promise.race([sleep(clock, backoff(attempt + 1, parts.random(), { cap }), signal).catch(() => undefined), wake.promise])
    }
  }
  void run()
  return { info: () => withRtt(info, parts.links), addresses: () => reached, kick: () => wake.resolve() }
}

function withRtt(info: RelayInfo, links: Links): RelayInfo {
  const best = info.status === 'reserved' ? links.of(info.id).find(({ path }) => path.kind === 'direct') : undefined
  return best ? { ...info, transport: best.path.transport, rtt: best.path.rtt } : info
}

/** An open direct connection to the relay: a live one, else by its addresses in order. */
async function dialSite(site: RelaySite, { swarm, clock, log, links }: KeeperParts, signal: AbortSignal): Promise<Connection> {
  const live = links.of(site.peer).find(({ path }) => path.kind === 'direct')
  if (live) return live.connection
  let failure: unknown = new MeshError('RELAY_UNREACHABLE', `${site.name} lists no address`)
  for (const address of orderAddresses(site.addresses)) {
    try {
      const ma = multiaddr(address)
      return await withDeadline(clock, DIAL_TIMEOUT, `dialling ${address}`, signal, (own) =>
        abortable(swarm.libp2p.dial(ma, { signal: own, force: true }), own),
      )
    } catch (error) {
      failure = dialError(error, site.peer)
      log('relay.dial.failed', { address, code: codeOf(failure), why: String((error as Error)?.message ?? error).slice(0, 200) }, 'debug')
    }
  }
  throw failure
}

/** A peer whose key does not match its address is told apart from one that does not answer. */
export function dialError(error: unknown, peer: string): MeshError {
  const { name, message, errors } = (error ?? {}) as { name?: string; message?: string; errors?: readonly Error[] }
  const text = [message, ...(errors ?? []).map((inner) => `${inner.name}: ${inner.message}`)].join(' ')
  if (name === 'UnexpectedPeerError' || /UnexpectedPeer|does not match expected|invalid.*peer id/i.test(`${name} ${text}`)) {
    return new MeshError('KEY_MISMATCH', `another key answered at the address of ${peer}: ${text.slice(0, 200)}`, { cause: error })
  }
  return toMeshError(error, 'RELAY_UNREACHABLE')
}
