/** Relays of the DHT that this one knows. A flat list sorted when asked: with hundreds of relays buckets would hold everybody anyway. Those that were configured stay; others go when they do not answer. */
import { compareDistance, placeOfPeer } from './distance.ts'
import { MAX_ADDRESSES, MAX_FAILURES, MAX_RELAYS, MAX_RELAYS_PER_PREFIX } from './limits.ts'
import type { KadPeer } from './wire.ts'

interface Known {
  readonly place: Uint8Array
  addresses: readonly string[]
  failures: number
  readonly prefix: string
  readonly fixed: boolean
}

export interface Table {
  /** `prefix`: where it was heard from. Configured ones (`fixed`) count to no prefix. One that does not fit is left out. */
  add(peer: KadPeer, prefix: string, fixed?: boolean): Promise<void>
  closest(place: Uint8Array, count: number): readonly KadPeer[]
  /** Those that were configured: every lookup asks them, so that a crowd of invented relays around a key cannot hide it. */
  fixed(): readonly KadPeer[]
  answered(peer: string): void
  failed(peer: string): void
  size(): number
}

export function createTable(me: string): Table {
  const known = new Map<string, Known>()
  const shape = ([id, { addresses }]: [string, Known]): KadPeer => ({ id, addresses })
  return {
    async add({ id, addresses }, prefix, fixed = false) {
      if (id === me) return
      const place = await placeOfPeer(id)
      const old = known.get(id)
      const some = addresses.slice(0, MAX_ADDRESSES)
      if (old && (!fixed || old.fixed)) {
        if (some.length > 0) old.addresses = some
        return
      }
      const crowd = [...known.values()].filter((one) => !one.fixed && one.prefix === prefix).length
      if (!fixed && (known.size >= MAX_RELAYS || crowd >= MAX_RELAYS_PER_PREFIX)) return
      known.set(id, { place, addresses: some, failures: 0, prefix, fixed })
    },
    closest: (place, count) =>
      [...known]
        .sort(([, a], [, b]) => compareDistance(place, a.place, b.place))
        .slice(0, count)
        .map(shape),
    fixed: () => [...known].filter(([, one]) => one.fixed).map(shape),
    answered(peer) {
      const one = known.get(peer)
      if (one) one.failures = 0
    },
    failed(peer) {
      const one = known.get(peer)
      if (one && ++one.failures >= MAX_FAILURES && !one.fixed) known.delete(peer)
    },
    size: () => known.size,
  }
}
