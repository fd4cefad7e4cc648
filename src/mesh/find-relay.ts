/** From the name of a relay to an open direct connection: asks where it is, then dials; tries that hang do not hold up the next. */
import type { Connection } from '@libp2p/interface'
import { orderAddresses, peerOfAddress } from '../core/address.ts'
import type { RelaySite, RelaySource } from '../core/transport.ts'
import { withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { DIAL_TIMEOUT, MAX_DIALS, STEP } from './limits.ts'
import type { Links } from './links.ts'
import { staggered } from './staggered.ts'
import type { Swarm } from './swarm.ts'

export interface Found {
  readonly site: RelaySite
  readonly connection: Connection
  /** False when it was open before. */
  readonly dialled: boolean
  /** The relay's, the one that worked first. */
  readonly addresses: readonly string[]
}

export interface FindParts {
  readonly swarm: Swarm
  readonly links: Links
  readonly clock: Clock
  readonly log: Log
  /** ms until the next try starts beside one that hangs. */
  readonly step: number
  /** A new connection, although an older one is open. */
  readonly fresh: boolean
  /** Given a function that starts another try now. */
  readonly nudged: (start: () => void) => void
}

/** RELAY_UNREACHABLE, KEY_MISMATCH, TIMEOUT, BAD_RECORD, BAD_CONFIG. */
export function findRelay(source: RelaySource, parts: FindParts, signal: AbortSignal): Promise<Found> {
  const { clock, step, nudged } = parts
  const whole = {
    clock,
    signal,
    step: () => step,
    most: MAX_DIALS,
    onFailure: 'wait',
    nudged,
    drop: (late: Found) => late.dialled && drop(late.connection),
  } as const
  return staggered<Found>(whole, async (_, own) => {
    const site = await withDeadline(clock, DIAL_TIMEOUT, `the relay ${source.name}`, own, (asking) => source.resolve(asking))
    const live = parts.fresh ? undefined : parts.links.of(site.peer).find(({ path }) => path.kind === 'direct')
    const connection = live?.connection ?? (await dialSite(site, parts, own))
    const address = connection.remoteAddr.toString()
    const full = peerOfAddress(address) ? address : `${address}/p2p/${site.peer}`
    return { site, connection, dialled: !live, addresses: [full, ...site.addresses.filter((other) => other !== full)] }
  })
}

function drop(connection: Connection): void {
  connection.abort(new MeshError('ABORTED', 'another connection was first'))
}

async function dialSite(site: RelaySite, { swarm, clock, log }: FindParts, signal: AbortSignal): Promise<Connection> {
  const addresses = orderAddresses(site.addresses)
  if (addresses.length === 0) throw new MeshError('RELAY_UNREACHABLE', `${site.name} lists no address`)
  const whole = { clock, signal, step: () => STEP, most: addresses.length, onFailure: 'next', drop } as const
  return staggered<Connection>(whole, async (n, own) => {
    const address = addresses[n] as string
    try {
      return await withDeadline(clock, DIAL_TIMEOUT, `dialling ${address}`, own, (dialling) => swarm.dial(address, dialling))
    } catch (error) {
      const failure = dialError(error, site.peer)
      if (!own.aborted)
        log('relay.dial.failed', { address, code: codeOf(failure), why: String((error as Error)?.message ?? error).slice(0, 200) }, 'debug')
      throw failure
    }
  })
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
