/** Which relays lead to a peer, and in which order they are tried: those that both sides have, the shortest way first. */
import type { PresenceEntry } from '../core/protocol.ts'
import type { Keeper } from './keeper.ts'
import type { Links } from './links.ts'

export interface Circuit {
  /** Multiaddr text that ends in /p2p-circuit/p2p/<peer>. */
  readonly address: string
  /** PeerID. */
  readonly relay: string
}

export interface CircuitParts {
  readonly keepers: () => readonly Keeper[]
  readonly links: Links
  /** Where a peer is here, as the relays say. */
  readonly placesOf: (peer: string) => PresenceEntry['places']
}

/** Through every relay that holds us; first those where the peer is too, and of them the one with the smaller sum of round trips. A silent one comes last. */
export function circuitsTo(peer: string, { keepers, links, placesOf }: CircuitParts): readonly Circuit[] {
  const places = new Map((placesOf(peer) ?? []).map(({ relay, rtt }) => [relay, rtt ?? 0]))
  const ways = keepers().flatMap((keeper) => {
    const { id, status, rtt = 0 } = keeper.info()
    const [address] = keeper.addresses()
    if (status !== 'reserved' || !address) return []
    const own = links.best(id)
    const rank = own && links.isDoubted(own.connection) ? 2 : places.has(id) ? 0 : 1
    return [{ address: `${address}/p2p-circuit/p2p/${peer}`, relay: id, rank, sum: rtt + (places.get(id) ?? 0) }]
  })
  return ways.sort((a, b) => a.rank - b.rank || a.sum - b.sum)
}
