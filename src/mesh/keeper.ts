/** Keeps one relay: resolve, dial, reserve, announce, renew; again after every loss, with back-off that a wake-up cuts short. A relay that is down at boot or restarted is normal, never an exception; one that falls silent is found out, and a stale connection never stands in the way of a new one. */
import { backoff } from '../core/backoff.ts'
import type { RelayInfo } from '../core/mesh.ts'
import type { PresenceService } from '../core/protocol.ts'
import type { RelayClient, RelaySource } from '../core/transport.ts'
import { sleep, throwIfAborted, withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Found, findRelay } from './find-relay.ts'
import { DIAL_TIMEOUT, RELAY_INTERVAL } from './limits.ts'
import type { Links } from './links.ts'
import type { Pulse } from './pulse.ts'
import type { Swarm } from './swarm.ts'

export interface KeeperParts {
  readonly swarm: Swarm
  readonly links: Links
  readonly pulse: Pulse
  readonly client: RelayClient
  readonly presence: PresenceService
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly changed: () => void
  /** A place is held: whoever waits for a relay may go on. */
  readonly reserved: () => void
  /** True when another keeper has this relay already, under another name. */
  readonly isTaken: (relay: string, keeper: Keeper) => boolean
}

export interface Keeper {
  readonly origin: string | undefined
  info(): RelayInfo
  /** Multiaddr texts under which the relay was reached last, best first; empty before the first success. */
  addresses(): readonly string[]
  /** Something changed (network, wake-up), or it seems silent: look, and try now. */
  kick(): void
  /** What the relay allows may be more now, or less: ask for a place where there is none, or anew for the one that is held. */
  renew(gained: boolean): void
  /** Ends it; its place is given up. */
  stop(): void
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

const REFUSED: ReadonlySet<string> = new Set(['RELAY_FULL', 'ACCESS_DENIED', 'OLD_INSTANCE'])

export function createKeeper(source: RelaySource, parts: KeeperParts, parent: AbortSignal): Keeper {
  const { clock, log, links, pulse } = parts
  const ended = new AbortController()
  const signal = AbortSignal.any([parent, ended.signal])
  let info: RelayInfo = { id: '', name: source.name, status: 'connecting', ...(source.origin ? { origin: source.origin } : {}) }
  let reached: readonly string[] = []
  const kicks = new Set<() => void>()
  let held = false // this session got a place
  let askAgain: (() => void) | undefined
  const set = (change: Partial<RelayInfo>) => {
    info = { ...info, ...change }
    parts.changed()
  }
  const waitAfter = (attempt: number, cap: number) => backoff(attempt, parts.random(), { cap })
  /** `ms`, or until a kick or the end. */
  const pause = async (ms: number, own: AbortSignal) => {
    const over = new AbortController()
    const kick = () => over.abort()
    kicks.add(kick)
    await sleep(clock, ms, AbortSignal.any([own, over.signal])).catch(() => undefined)
    kicks.delete(kick)
  }
  const find = (own: AbortSignal, fresh: boolean): Promise<Found> => {
    let again: (() => void) | undefined
    const kick = () => again?.()
    kicks.add(kick)
    const nudged = (start: () => void) => void (again = start)
    return findRelay(source, { ...parts, step: RETRY_FRESH, fresh, nudged }, own).finally(() => kicks.delete(kick))
  }

  const session = async (given: Found | undefined): Promise<Found | undefined> => {
    const found = given ?? (await find(signal, false))
    const { site, connection } = found
    if (parts.isTaken(site.peer, keeper)) throw new MeshError('BAD_ARGUMENT', `${source.name} is a relay that is in use already`)
    set({ id: site.peer, name: site.name || source.name, quotas: site.quotas })
    reached = found.addresses
    const over = new AbortController()
    const stop = () => over.abort(new MeshError('RELAY_UNREACHABLE', 'the connection to the relay ended'))
    connection.addEventListener('close', stop)
    signal.addEventListener('abort', stop, { once: true })
    let next: Found | undefined
    try {
      if (connection.status !== 'open') stop()
      next = await Promise.race([holdPlace(found, over.signal), guard(found, over.signal)])
      return next
    } finally {
      connection.removeEventListener('close', stop)
      signal.removeEventListener('abort', stop)
      stop()
      if (!next) parts.client.release(site.peer)
    }
  }

  const holdPlace = async ({ site, connection }: Found, over: AbortSignal): Promise<never> => {
    let announced: Promise<void> | undefined
    let denied = false
    // Whoever has a place by a private mesh alone is in no lobby. Whoever was in one may have lost more than that.
    const inNoLobby = (error: unknown) => {
      if (codeOf(error) !== 'ACCESS_DENIED') throw error
      denied = true
      askAgain?.()
    }
    for (;;) {
      const { until } = await withDeadline(clock, DIAL_TIMEOUT, 'the reservation', over, (own) => parts.client.reserve(site.peer, own))
      const { path } = links.of(site.peer).find((link) => link.connection === connection) ?? {}
      held = true
      set({ status: 'reserved', problem: undefined, transport: path?.transport, rtt: path?.rtt })
      log('relay.reserved', { relay: site.peer, seconds: Math.round((until - clock.now()) / 1000) })
      announced ??= parts.presence.join(site.peer, over).catch(inNoLobby)
      parts.reserved()
      const wait = Math.max(RENEW_MIN, (until - clock.now()) * RENEW_AT)
      const renew = new AbortController()
      askAgain = () => renew.abort()
      const due = sleep(clock, wait, AbortSignal.any([over, renew.signal])).catch(() => undefined)
      await Promise.race([due, announced.then(() => due)]).finally(() => {
        askAgain = undefined
        if (denied && !renew.signal.aborted) announced = undefined
        renew.abort()
      })
      throwIfAborted(over)
    }
  }

  /** Looks at the connection now and then, and when somebody doubts it. Gives the one that takes its place once it is silent and the relay answers there. */
  const guard = async ({ site, connection }: Found, over: AbortSignal): Promise<Found> => {
    for (;;) {
      await pause(RELAY_INTERVAL, over)
      throwIfAborted(over)
      const asked = clock.monotonic()
      for (let attempt = 1; ; attempt++) {
        if (await pulse.ask(connection)) break
        throwIfAborted(over)
        links.doubt(connection, true)
        log('relay.silent', { relay: site.peer, attempt })
        const found = await find(over, true).catch((error: unknown) => error)
        throwIfAborted(over)
        if (found instanceof Error) {
          set({ status: 'unreachable', problem: problemOf(found) })
          await pause(waitAfter(attempt, RETRY_FRESH), over)
        } else if (pulse.heardAt(connection) > asked) {
          ;(found as Found).connection.abort(new MeshError('ABORTED', 'the older connection lives'))
          break
        } else {
          connection.abort(new MeshError('PATH_LOST', 'the relay answers on a new connection alone'))
          return found as Found
        }
      }
      links.doubt(connection, false)
      if (info.status === 'unreachable') set({ status: 'reserved', problem: undefined })
    }
  }

  const run = async () => {
    let lost = clock.monotonic()
    let next: Found | undefined
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        next = await session(next)
      } catch (error) {
        next = undefined
        if (signal.aborted) return
        const problem = problemOf(error)
        set({ status: REFUSED.has(problem.code) ? 'refused' : 'unreachable', problem })
        log('relay.lost', { relay: source.name, code: problem.code, attempt }, 'warn')
      }
      if (held) {
        held = false
        attempt = 0
        lost = clock.monotonic()
      }
      if (!next) await pause(waitAfter(attempt + 1, clock.monotonic() - lost < FRESH_LOSS ? RETRY_FRESH : RETRY_CAP), signal)
    }
  }
  const keeper: Keeper = {
    origin: source.origin,
    info: () => withRtt(info, links),
    addresses: () => reached,
    kick() {
      for (const kick of kicks) kick()
    },
    renew(gained) {
      if (info.status === 'refused') keeper.kick()
      else if (!gained) askAgain?.()
    },
    stop() {
      ended.abort(new MeshError('CLOSED', 'the relay was taken out'))
    },
  }
  void run()
  return keeper
}

function problemOf(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = toMeshError(error, 'RELAY_UNREACHABLE')
  return { code, message }
}

function withRtt(info: RelayInfo, links: Links): RelayInfo {
  const best = info.status === 'reserved' ? links.of(info.id).find(({ path }) => path.kind === 'direct') : undefined
  return best ? { ...info, transport: best.path.transport, rtt: best.path.rtt } : info
}
