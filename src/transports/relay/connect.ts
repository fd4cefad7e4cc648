/** The hop server's CONNECT: who may reach whom through us, then a stop stream to the destination, then the circuit. Quotas are claimed before the first wait and given back on every way out. */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import type { Decision } from '../../core/access.ts'
import { withDeadline } from '../../shared/async.ts'
import { codeOf, type ErrorCode, MeshError } from '../../shared/errors.ts'
import { FOREIGN } from '../../wire/ids.ts'
import type { CircuitLimits, CircuitTable } from './circuits.ts'
import { AT_ONCE, isDirect } from './components.ts'
import type { HopRequest, HopState } from './hop-state.ts'
import { MAX_HOP_STREAMS, MAX_PAIR_CIRCUITS, PREFIX_SHARE, STOP_TIMEOUT } from './limits.ts'
import { createMessageStream } from './message-stream.ts'
import { type Refusal, refusal, refusalOf } from './refusal.ts'
import { decodeStop, encodeHop, encodeStop, HOP_TYPE, STATUS, STOP_TYPE, type WireLimit, type WirePeer } from './wire.ts'

export interface ConnectEvents {
  started(): void
  cut(code: ErrorCode): void
}

/** Returns the refusal that the caller must answer, or undefined when a circuit runs. */
export function createConnect(state: HopState, circuits: CircuitTable, events: ConnectEvents): (request: HopRequest) => Promise<Refusal | undefined> {
  return async (request) => {
    const { connection, message, signal } = request
    const from = connection.remotePeer
    if (!isDirect(connection)) return state.refuse(refusal('PERMISSION_DENIED', 'over-circuit'))
    const to = parsePeer(message.peer)
    if (!to || to.equals(from)) return state.refuse(refusal('MALFORMED_MESSAGE', 'malformed'))
    if (state.draining()) return state.refuse(refusal('RESOURCE_LIMIT_EXCEEDED', 'draining'))
    const terms = admit(state, connection, to)
    if ('status' in terms) return state.refuse(terms)
    try {
      if (!(await state.spend(terms.decision))) {
        terms.leave()
        return state.refuse(refusal('RESOURCE_LIMIT_EXCEEDED', 'policy-limit'))
      }
      const target = await callDestination(state, from, to, terms, signal)
      if (!target) {
        terms.leave()
        return state.refuse(refusal('CONNECTION_FAILED', 'unreachable'))
      }
      await start(state, circuits, events, { request, target, to, terms })
      return undefined
    } catch (error) {
      terms.leave()
      throw error
    }
  }
}

function parsePeer(peer: WirePeer | undefined): PeerId | undefined {
  if (!peer) return undefined
  try {
    return peerIdFromMultihash(Digest.decode(peer.id))
  } catch {
    return undefined
  }
}

/** What an admitted circuit may use. `leave` gives the places back and may be called twice. */
interface Terms {
  readonly decision: Decision
  readonly limits: CircuitLimits
  /** Told to both ends; undefined when the circuit is granted or unlimited. */
  readonly announced: WireLimit | undefined
  readonly prefix: string
  leave(): void
}

function admit(state: HopState, connection: Connection, target: PeerId): Terms | Refusal {
  const { quotas, ledger, clock, decide } = state
  const from = connection.remotePeer.toString()
  const to = target.toString()
  const prefix = state.prefix(connection)
  const usage = { startsLastMinute: ledger.start(`hop ${from}`), concurrent: ledger.running(`hop ${from}`) }
  const decision = decide(state.who(from), 'relay.hop', to, usage, clock.now())
  const denied = refusalOf(decision, 'RESOURCE_LIMIT_EXCEEDED')
  if (denied) return denied
  if (usage.startsLastMinute >= quotas.circuitRate) return refusal('RESOURCE_LIMIT_EXCEEDED', 'rate')
  if (ledger.start(`hop ${prefix}`) >= quotas.circuitRatePerPrefix) return refusal('RESOURCE_LIMIT_EXCEEDED', 'rate')
  if (!state.reservations.get(to)) return refusal('NO_RESERVATION', 'no-reservation')
  const announced = announce(decision)
  if (announced && ledger.spend(prefix, 0) >= quotas.limitedBytesPerDay) return refusal('RESOURCE_LIMIT_EXCEEDED', 'day')
  const caps = [
    ['all', quotas.circuits],
    [`peer ${from}`, quotas.circuitsPerPeer],
    [`peer ${to}`, quotas.circuitsPerPeer],
    [`prefix ${prefix}`, quotas.circuitsPerPrefix],
    [`pair ${from} ${to}`, MAX_PAIR_CIRCUITS],
    [`calls ${prefix} ${to}`, Math.ceil(quotas.circuitsPerPeer * PREFIX_SHARE)],
  ] as const
  if (caps.some(([key, cap]) => ledger.running(key) >= cap)) return refusal('RESOURCE_LIMIT_EXCEEDED', 'quota')
  const leaves = [`hop ${from}`, ...caps.map(([key]) => key)].map((key) => ledger.enter(key))
  const leave = () => {
    for (const undo of leaves) undo()
  }
  return { decision, limits: decision.limits, announced, prefix, leave }
}

/** undefined for a circuit that is granted or that its row leaves unlimited: such a one carries no `limit` (Kubo refuses limited connections) and counts to no day. What a grant limits is enforced all the same. */
function announce({ granted, limits: { bytes, time } }: Decision): WireLimit | undefined {
  if (granted || (bytes === undefined && time === undefined)) return undefined
  return { data: bytes, duration: time === undefined ? undefined : Math.ceil(time / 1000) }
}

/** An accepted stop stream, or undefined when the destination is gone, silent or says no. */
async function callDestination(state: HopState, from: PeerId, to: PeerId, { announced }: Terms, parent: AbortSignal): Promise<Stream | undefined> {
  const connection = state.reservations.connectionOf(to)
  if (!connection) return undefined
  let stream: Stream | undefined
  try {
    return await withDeadline(state.clock, STOP_TIMEOUT, 'stop request', parent, async (signal) => {
      stream = await connection.newStream(FOREIGN.stop, { signal, maxOutboundStreams: MAX_HOP_STREAMS, runOnLimitedConnection: false, ...AT_ONCE })
      const messages = createMessageStream(stream)
      await messages.write(encodeStop({ type: STOP_TYPE.connect, peer: { id: from.toMultihash().bytes, addrs: [] }, limit: announced }), signal)
      const { type, status } = decodeStop(await messages.read(signal))
      if (type !== STOP_TYPE.status || status !== STATUS.OK) throw new MeshError('ACCESS_DENIED', `destination answered ${status}`)
      return messages.unwrap()
    })
  } catch (error) {
    stream?.abort(error instanceof Error ? error : new Error('stop request failed'))
    state.log('relay.stop.failed', { peer: to.toString(), code: codeOf(error) }, 'debug')
    return undefined
  }
}

interface Start {
  readonly request: HopRequest
  readonly target: Stream
  readonly to: PeerId
  readonly terms: Terms
}

async function start(state: HopState, circuits: CircuitTable, events: ConnectEvents, { request, target, to, terms }: Start): Promise<void> {
  const { messages, connection, signal } = request
  try {
    await messages.write(encodeHop({ type: HOP_TYPE.status, status: STATUS.OK, limit: terms.announced }), signal)
  } catch (error) {
    target.abort(error instanceof Error ? error : new Error('dialer went away'))
    throw error
  }
  const from = connection.remotePeer.toString()
  const overDay = () => new MeshError('LIMIT_REACHED', 'bytes of the day for this network are used up')
  events.started()
  state.log('relay.circuit.opened', { from, to: to.toString() }, 'debug')
  circuits.join(messages.unwrap(), target, {
    from,
    to: to.toString(),
    limits: terms.limits,
    spend: (bytes) => (terms.announced && state.ledger.spend(terms.prefix, bytes) > state.quotas.limitedBytesPerDay ? overDay() : undefined),
    ended(info, cause) {
      terms.leave()
      if (cause) events.cut(cause.code)
      state.log('relay.circuit.closed', { from, to: info.to, forward: info.forward, back: info.back, code: cause?.code }, 'debug')
    },
  })
}
