/** Contract of a transport plugin: one way to carry bytes to a peer. The libp2p factory inside is opaque to everyone but the mesh room. */
import type { TransportName } from './path.ts'

export interface Transport {
  readonly name: TransportName | 'relay'
  /** A libp2p transport factory (`(components) => Transport`), opaque here. */
  readonly factory: unknown
  /** Multiaddrs this node should listen on through this transport; may be empty. */
  readonly listen: readonly string[]
  /** True when it could carry a dial to this multiaddr text. */
  matches(multiaddr: string): boolean
}

/** The client half of circuit-relay-v2 as the reservation keeper needs it. */
export interface RelayClient {
  /** Ask `relay` (PeerID, connected already) for a place and keep answering its circuits. Resolves with the end of the reservation, ms since 1970. RELAY_FULL, ACCESS_DENIED, RELAY_UNREACHABLE, TIMEOUT. */
  reserve(relay: string, signal: AbortSignal): Promise<{ readonly until: number }>
  /** Forget the reservation; live circuits stay. */
  release(relay: string): void
}

/** Where a relay is and what it offers, asked again before each attempt so that a relay that moved is found. */
export interface RelaySource {
  /** Host a person knows. */
  readonly name: string
  /** What it was made from, e.g. https://home.example; undefined for one that is in no list. */
  readonly origin?: string
  /** RELAY_UNREACHABLE when it does not answer. */
  resolve(signal: AbortSignal): Promise<RelaySite>
}

export interface RelaySite {
  readonly peer: string
  readonly name: string
  /** Multiaddr texts ending in /p2p/<peer>. */
  readonly addresses: readonly string[]
  readonly quotas?: Readonly<Record<string, number>>
}
