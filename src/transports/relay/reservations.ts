/** The relay's table of reservations and the signed voucher for each (circuit-relay-v2, "Reservation"). A reservation ends with its time or with the last direct connection of its peer, whichever is first. */
import type { Connection, PeerId } from '@libp2p/interface'
import { RecordEnvelope } from '@libp2p/peer-record'
import type { Clock } from '../../shared/clock.ts'
import { type HopComponents, newestDirect } from './components.ts'
import { type HopQuotas, MAX_ADDRS } from './limits.ts'
import { encodeVoucher, type WireReservation } from './wire.ts'

const VOUCHER_DOMAIN = 'libp2p-relay-rsvp'
const VOUCHER_TYPE = Uint8Array.of(0x03, 0x02) // multicodec libp2p-relay-rsvp

export interface HopReservation {
  readonly peer: PeerId
  readonly prefix: string
  /** ms since 1970. */
  readonly expires: number
}

export interface ReservationTable {
  get(peer: string): HopReservation | undefined
  all(): readonly HopReservation[]
  /** True when one more from `prefix` fits; a peer that renews always fits. */
  fits(peer: string, prefix: string): boolean
  /** Grant or renew; it lives `time` ms at most. */
  grant(peer: PeerId, prefix: string, time?: number): Promise<WireReservation>
  remove(peer: string): void
  /** An open direct connection of a peer with a reservation, newest first. */
  connectionOf(peer: PeerId): Connection | undefined
}

export function createReservationTable(components: HopComponents, quotas: HopQuotas, clock: Clock): ReservationTable {
  const table = new Map<string, HopReservation>()
  const sweep = () => {
    for (const [peer, { expires }] of table) if (expires <= clock.now()) table.delete(peer)
  }

  return {
    get(peer) {
      const found = table.get(peer)
      return found && found.expires > clock.now() ? found : undefined
    },
    all() {
      sweep()
      return [...table.values()]
    },
    fits(peer, prefix) {
      sweep()
      if (table.has(peer)) return true
      let near = 0
      for (const entry of table.values()) if (entry.prefix === prefix) near++
      return table.size < quotas.reservations && near < quotas.reservationsPerPrefix
    },
    async grant(peer, prefix, time = Number.POSITIVE_INFINITY) {
      const expires = clock.now() + Math.min(quotas.reservationTtl * 1000, time)
      table.set(peer.toString(), { peer, prefix, expires })
      return sign(components, peer, Math.floor(expires / 1000))
    },
    remove: (peer) => void table.delete(peer),
    connectionOf: (peer) => newestDirect(components, peer),
  }
}

async function sign({ addressManager, peerId, privateKey }: HopComponents, peer: PeerId, expire: number): Promise<WireReservation> {
  const payload = encodeVoucher({ relay: peerId.toMultihash().bytes, peer: peer.toMultihash().bytes, expiration: expire })
  const record = { domain: VOUCHER_DOMAIN, codec: VOUCHER_TYPE, marshal: () => payload, equals: () => false }
  const envelope = await RecordEnvelope.seal(record, privateKey)
  const addrs = addressManager
    .getAddresses()
    .filter((address) => !address.toString().includes('/p2p-circuit'))
    .slice(0, MAX_ADDRS)
  return { expire, addrs: addrs.map((address) => address.bytes), voucher: envelope.marshal() }
}
