/** Our circuit-relay-v2 hop server as a libp2p service: reservations with vouchers, circuits with quotas, every step asked of the access room. Must never relay for whom no policy row allows it, and never look into a circuit. */
import type { Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { Decide, Policy, Who } from '../../core/access.ts'
import { ipOfAddress } from '../../core/address.ts'
import { withDeadline } from '../../shared/async.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { FOREIGN } from '../../wire/ids.ts'
import { type CircuitInfo, createCircuitTable } from './circuits.ts'
import { closeQuietly, type HopComponents } from './components.ts'
import { createConnect } from './connect.ts'
import { grantReservation } from './grant.ts'
import type { HopRequest, HopState } from './hop-state.ts'
import { createLedger } from './ledger.ts'
import { ANSWER_TIMEOUT, DRAIN_TIME, type HopQuotas, MAX_HOP_STREAMS, QUOTAS } from './limits.ts'
import { createMessageStream } from './message-stream.ts'
import { type Refusal, type RefusalReason, refusal } from './refusal.ts'
import { createReservationTable } from './reservations.ts'
import { decodeHop, encodeHop, HOP_TYPE } from './wire.ts'

export interface HopServerOptions {
  /** Asked with 'relay.reserve' (to = this relay's PeerID) and 'relay.hop' (to = the destination's PeerID). */
  readonly decide: Decide
  /** Counts a use of a row with `uses`; without it such rows deny. */
  readonly spend?: Policy['spend']
  /** Roles of a peer on this relay. Default: everyone is 'lobby'. */
  readonly rolesOf?: (peer: string) => Who['roles']
  /** Private meshes that a peer showed a certificate of. */
  readonly meshesOf?: (peer: string) => Who['meshes']
  /** IP address that quotas count by; behind a trusted proxy the client's. Default: the IP in the connection's multiaddr. */
  readonly remoteAddressOf?: (connection: Connection) => string | undefined
  /** Override single numbers of QUOTAS. */
  readonly quotas?: Partial<HopQuotas>
  readonly clock?: Clock
  readonly log?: Log
  /** ms that circuits get to end when the relay stops. Default DRAIN_TIME. */
  readonly drainTime?: number
  /** ms a reader may stand still. Default STALL_TIMEOUT. */
  readonly stallTime?: number
}

/** Numbers for /metrics; counters only grow, `…Now` are gauges. */
export interface HopCounters {
  readonly reservationsNow: number
  /** Granted, renewals included. */
  readonly reservations: number
  readonly circuitsNow: number
  readonly circuits: number
  /** Bytes from dialers to destinations, and back. */
  readonly forward: number
  readonly back: number
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>
  /** Circuits that did not end by themselves, by error code. */
  readonly cut: Readonly<Record<string, number>>
}

export interface HopServer extends Startable {
  /** What is published in dmesh.json: HopQuotas, and `lobbyBytes` (bytes) and `lobbyTime` (s) of one circuit as the lobby's row says now. */
  readonly quotas: Readonly<Record<string, number>>
  counters(): HopCounters
  reservations(): readonly { readonly peer: string; readonly expires: number }[]
  circuits(): readonly CircuitInfo[]
  /** Ask again for everything that lives and end what is no longer allowed. Call after each policy change. */
  recheck(): void
  /** Refuse new work and wait until no circuit runs, at most `ms`. */
  drain(ms: number): Promise<void>
}

/** Give the result to libp2p as a service. */
export function createHopServer(options: HopServerOptions): (components: HopComponents) => HopServer {
  return (components) => build(components, options)
}

function build(components: HopComponents, options: HopServerOptions): HopServer {
  const { clock = systemClock(), log = silentLog(), drainTime = DRAIN_TIME } = options
  const quotas = { ...QUOTAS, ...options.quotas }
  const ledger = createLedger(clock)
  const reservations = createReservationTable(components, quotas, clock)
  const circuits = createCircuitTable(clock, options.stallTime)
  const counts = { reservations: 0, circuits: 0, refused: {} as Partial<Record<RefusalReason, number>>, cut: {} as Record<string, number> }
  const stopping = new AbortController()
  let draining = false

  const state: HopState = {
    ...{ components, quotas, clock, log, ledger, reservations, decide: options.decide },
    spend: async ({ row = '', limits: { uses } }) => uses === undefined || ((await options.spend?.(row, uses)) ?? false),
    who: (peer) => ({ peer, roles: options.rolesOf?.(peer) ?? ['lobby'], meshes: options.meshesOf?.(peer) }),
    prefix: (connection) => prefixOf((options.remoteAddressOf ?? (({ remoteAddr }) => ipOfAddress(remoteAddr.toString())))(connection)),
    draining: () => draining,
    refuse(refused) {
      counts.refused[refused.reason] = (counts.refused[refused.reason] ?? 0) + 1
      return refused
    },
  }
  const connect = createConnect(state, circuits, {
    started: () => counts.circuits++,
    cut: (code) => {
      counts.cut[code] = (counts.cut[code] ?? 0) + 1
    },
  })
  const reserve = async (request: HopRequest): Promise<Refusal | undefined> => {
    const refused = await grantReservation(state, request)
    if (!refused) counts.reservations++
    return refused
  }
  const onHop = (stream: Stream, connection: Connection) => answer(state, { reserve, connect }, stream, connection, stopping.signal)
  const onGone = ({ detail }: CustomEvent<PeerId>) => reservations.remove(detail.toString())
  const drain = async (ms: number) => {
    draining = true
    await withDeadline(clock, ms, 'drain', stopping.signal, () => circuits.idle()).catch(() => undefined)
  }

  return {
    get quotas() {
      const { allow, limits } = state.decide({ peer: '', roles: ['lobby'] }, 'relay.hop', '*', IDLE, clock.now())
      const time = limits.time === undefined ? undefined : Math.floor(limits.time / 1000)
      return {
        ...quotas,
        ...(allow && limits.bytes !== undefined ? { lobbyBytes: limits.bytes } : {}),
        ...(allow && time !== undefined ? { lobbyTime: time } : {}),
      }
    },
    counters: () => ({
      ...counts,
      refused: { ...counts.refused },
      cut: { ...counts.cut },
      ...circuits.totals(),
      reservationsNow: reservations.all().length,
      circuitsNow: circuits.all().length,
    }),
    reservations: () => reservations.all().map(({ peer, expires }) => ({ peer: peer.toString(), expires })),
    circuits: circuits.all,
    recheck() {
      const mayReserve = (peer: string) => state.decide(state.who(peer), 'relay.reserve', components.peerId.toString(), IDLE, clock.now()).allow
      for (const { peer } of reservations.all()) if (!mayReserve(peer.toString())) reservations.remove(peer.toString())
      circuits.cut(({ from, to }) => {
        const { allow, why } = state.decide(state.who(from), 'relay.hop', to, IDLE, clock.now())
        return allow && mayReserve(to) ? undefined : new MeshError('ACCESS_DENIED', why)
      })
    },
    drain,
    async start() {
      draining = false
      components.events.addEventListener('peer:disconnect', onGone)
      await components.registrar.handle(FOREIGN.hop, onHop, { maxInboundStreams: MAX_HOP_STREAMS, runOnLimitedConnection: true })
    },
    beforeStop: () => drain(drainTime),
    async stop() {
      stopping.abort(new MeshError('CLOSED', 'the relay stops'))
      components.events.removeEventListener('peer:disconnect', onGone)
      await components.registrar.unhandle(FOREIGN.hop)
      circuits.cut(() => new MeshError('CLOSED', 'the relay stops'))
    },
  }
}

const IDLE = { startsLastMinute: 0, concurrent: 0, used: {} } // a recheck asks about right, not about rate

type Handler = (request: HopRequest) => Promise<Refusal | undefined>

async function answer(
  state: HopState,
  handlers: { reserve: Handler; connect: Handler },
  stream: Stream,
  connection: Connection,
  stopping: AbortSignal,
): Promise<void> {
  const messages = createMessageStream(stream)
  const handle = async (signal: AbortSignal): Promise<Refusal | undefined> => {
    const message = decodeHop(await messages.read(signal))
    if (message.type === undefined) throw new MeshError('BAD_FRAME', 'hop message without a type')
    const request = { message, messages, connection, signal }
    if (message.type === HOP_TYPE.reserve) return handlers.reserve(request)
    if (message.type === HOP_TYPE.connect) return handlers.connect(request)
    return state.refuse(refusal('UNEXPECTED_MESSAGE', 'unexpected'))
  }
  try {
    await withDeadline(state.clock, ANSWER_TIMEOUT, 'hop request', stopping, async (signal) => {
      const refused = await handle(signal).catch((error: unknown) => {
        if (codeOf(error) !== 'BAD_FRAME') throw error
        return state.refuse(refusal('MALFORMED_MESSAGE', 'malformed'))
      })
      if (!refused) return
      state.log('relay.hop.refused', { peer: connection.remotePeer.toString(), status: refused.status, reason: refused.reason })
      await messages.write(encodeHop({ type: HOP_TYPE.status, status: refused.status }), signal)
      closeQuietly(stream, signal)
    })
  } catch (error) {
    state.log('relay.hop.failed', { peer: connection.remotePeer.toString(), code: codeOf(error) }, 'debug')
    stream.abort(error instanceof Error ? error : new Error('hop request failed'))
  }
}
