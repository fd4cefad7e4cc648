/** Client: keep a reservation on one relay for as long as a signal lives. A relay that is down at boot, restarted (same key or new), full, or silent is normal here, never an exception. */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { backoff } from '../../core/backoff.ts'
import type { Clock } from '../../shared/clock.ts'
import { sleep, withDeadline } from '../../shared/async.ts'
import { type ErrorCode, MeshError, toMeshError } from '../../shared/errors.ts'
import { isDirect, type RelayClientComponents } from './components.ts'
import { DIAL_TIMEOUT, REFUSED_PAUSE, RENEW_BEFORE, RENEW_LATEST, RETRY_CAP, RETRY_CAP_LATE, RETRY_FIRST, RETRY_PATIENCE } from './limits.ts'
import { type Reservation, reserve } from './reserve.ts'

/** What a keeper is doing, in the words of core/mesh.ts RelayInfo. */
export interface KeepState {
  readonly status: 'connecting' | 'reserved' | 'refused' | 'unreachable'
  /** PeerID of the relay, once known. */
  readonly relay?: string
  /** The connection the reservation holds on; only while reserved. */
  readonly connection?: Connection
  readonly reservation?: Reservation
  /** Of the last failure; gone once reserved. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string }
}

export interface KeepOptions {
  /** Ends the keeping; the reservation is forgotten, its addresses withdrawn, the connection left open. */
  readonly signal: AbortSignal
  /** Told about each change. Throwing here breaks nothing. */
  readonly onChange?: (state: KeepState) => void
}

export interface KeeperParts {
  readonly components: RelayClientComponents
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** The reservation counts from now on (replaces an older one of the same relay). */
  readonly hold: (reservation: Reservation) => void
  readonly drop: (reservation: Reservation) => void
  /** Call `retry` when someone asks to try at once; the returned function forgets it. */
  readonly onWake: (retry: () => void) => () => void
}

/** Runs until the signal fires, then resolves. BAD_ARGUMENT for an address that is none. */
export async function keepReservation(parts: KeeperParts, addresses: readonly string[], { signal, onChange }: KeepOptions): Promise<void> {
  const targets = addresses.map(parseAddress)
  if (targets.length === 0) throw new MeshError('BAD_ARGUMENT', 'a relay needs an address')
  const tell = (state: KeepState) => {
    if (!signal.aborted) queueMicrotask(() => onChange?.(state))
  }
  const { clock } = parts
  let failures = 0
  let held: Reservation | undefined
  const once = async () => {
    const connection = await connect(parts, targets, signal)
    const reservation = await reserve(connection, clock, signal)
    if (connection.status !== 'open') throw new MeshError('PATH_LOST', 'the relay went away')
    parts.hold(reservation)
    held = reservation
    failures = 0
    tell({ status: 'reserved', relay: reservation.relay, connection, reservation })
    await untilOver(parts, connection, reservation, signal)
  }
  const letGo = () => {
    if (held) parts.drop(held)
    held = undefined
  }

  tell({ status: 'connecting' })
  while (!signal.aborted) {
    try {
      await once()
    } catch (error) {
      letGo()
      if (signal.aborted) break
      const problem = toMeshError(error, 'RELAY_UNREACHABLE')
      const refused = REFUSALS.has(problem.code)
      tell({ status: refused ? 'refused' : 'unreachable', relay: relayOf(targets), problem: { code: problem.code, message: problem.message } })
      await pause(parts, refused ? REFUSED_PAUSE : retryDelay(failures++, parts.random()), signal)
    }
  }
  letGo()
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set(['ACCESS_DENIED', 'RELAY_FULL', 'UNKNOWN_PROTOCOL'])

/** Quick at first and for a while, so that a restarted relay has us back within 2 s; then gentle. */
export function retryDelay(failures: number, random: number): number {
  const cap = failures < RETRY_PATIENCE ? RETRY_CAP : RETRY_CAP_LATE
  return backoff(failures + 1, random, { first: RETRY_FIRST, cap })
}

function parseAddress(text: string) {
  try {
    return multiaddr(text)
  } catch (cause) {
    throw new MeshError('BAD_ARGUMENT', `not a multiaddr: ${text.slice(0, 200)}`, { cause })
  }
}

function relayOf(targets: readonly ReturnType<typeof multiaddr>[]): string | undefined {
  return targets[0]?.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

async function connect({ components, clock }: KeeperParts, targets: ReturnType<typeof multiaddr>[], signal: AbortSignal): Promise<Connection> {
  const connection = await withDeadline(clock, DIAL_TIMEOUT, 'relay dial', signal, (deadline) => components.connectionManager.openConnection(targets, { signal: deadline }))
  if (!isDirect(connection)) throw new MeshError('RELAY_UNREACHABLE', 'the relay is only reached through another relay')
  return connection
}

/** Resolves when it is time to renew, rejects with PATH_LOST when the connection closed. */
async function untilOver({ clock }: KeeperParts, connection: Connection, { expires }: Reservation, signal: AbortSignal): Promise<void> {
  const renew = renewDelay(expires - clock.now())
  const own = new AbortController()
  const onClose = () => own.abort(new MeshError('PATH_LOST', 'the connection to the relay closed'))
  const onEnd = () => own.abort(signal.reason)
  connection.addEventListener('close', onClose, { once: true })
  signal.addEventListener('abort', onEnd, { once: true })
  if (connection.status !== 'open') onClose()
  try {
    await sleep(clock, renew, own.signal)
  } finally {
    connection.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onEnd)
  }
}

/** ms until the renewal of a reservation that ends in `lifetime` ms by our clock; when the two clocks disagree, soon enough for any relay. */
export function renewDelay(lifetime: number): number {
  if (lifetime <= 0) return RENEW_BEFORE * 1000
  return Math.min(Math.max(lifetime - RENEW_BEFORE * 1000, lifetime / 2, 1000), RENEW_LATEST * 1000)
}

async function pause({ clock, onWake }: KeeperParts, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const forget = [onWake(resolve), clock.after(ms, resolve), () => signal.removeEventListener('abort', onEnd)]
  const onEnd = () => resolve()
  signal.addEventListener('abort', onEnd, { once: true })
  await promise
  for (const undo of forget) undo()
}
