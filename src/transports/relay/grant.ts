/** The hop server's RESERVE: who may have a place here, how often, and how many places there are. */
import { closeQuietly, isDirect } from './components.ts'
import type { HopRequest, HopState } from './hop-state.ts'
import { type Refusal, refusal, refusalOf } from './refusal.ts'
import { encodeHop, HOP_TYPE, STATUS } from './wire.ts'

/** Returns the refusal that the caller must answer, or undefined when the place was granted and the answer is sent. */
export async function grantReservation(state: HopState, { messages, connection, signal }: HopRequest): Promise<Refusal | undefined> {
  const { components, quotas, clock, ledger, reservations } = state
  const peer = connection.remotePeer.toString()
  if (!isDirect(connection)) return state.refuse(refusal('PERMISSION_DENIED', 'over-circuit'))
  if (state.draining()) return state.refuse(refusal('RESERVATION_REFUSED', 'draining'))
  const usage = { startsLastMinute: ledger.start(`reserve ${peer}`), concurrent: 0 }
  const decision = state.decide(state.who(peer), 'relay.reserve', components.peerId.toString(), usage, clock.now())
  const refused = refusalOf(decision, 'RESERVATION_REFUSED')
  if (refused) return state.refuse(refused)
  if (usage.startsLastMinute >= quotas.reservationRate) return state.refuse(refusal('RESERVATION_REFUSED', 'rate'))
  const prefix = state.prefix(connection)
  if (!reservations.fits(peer, prefix)) return state.refuse(refusal('RESERVATION_REFUSED', 'quota'))
  if (!(await state.spend(decision))) return state.refuse(refusal('RESERVATION_REFUSED', 'policy-limit'))
  const reservation = await reservations.grant(connection.remotePeer, prefix, decision.limits.time)
  await messages.write(encodeHop({ type: HOP_TYPE.status, status: STATUS.OK, reservation }), signal)
  closeQuietly(messages.unwrap(), signal)
  state.log('relay.reservation.granted', { peer, expires: reservation.expire })
  return undefined
}
