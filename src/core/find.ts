/** Contract of looking for peers that none of my relays knows. */
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Identity } from './identity.ts'
import type { PeerStream } from './peer-stream.ts'

export interface FindApi {
  /**
   * Where is a peer that none of my relays knows? Asks them, and the relays that they know. Only what the peer and its relay signed counts; empty when nobody knows.
   * BAD_ARGUMENT for no PeerID, NOT_SUPPORTED where it is switched off.
   */
  find(peer: string, options?: FindOptions): Promise<readonly PeerPlace[]>
}

/** A relay at which a peer is in the lobby, by that peer's own signed word. */
export interface PeerPlace {
  /** PeerID of the relay. */
  readonly relay: string
  /** Of the peer, through that relay: multiaddrs. */
  readonly addresses: readonly string[]
  /** ms since 1970; it may be there until then. */
  readonly until: number
}

export interface FindOptions {
  readonly signal?: AbortSignal
  /** Also reach it, over the first place that answers: then open() and all else works as with anybody. PEER_UNREACHABLE when none does. Default false. */
  readonly connect?: boolean
}

/** What looking for peers may use of the mesh. */
export interface FindGround {
  readonly peer: string
  open(peer: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<PeerStream>
  why(peer: string): Promise<{ readonly path: 'direct' | 'relayed' | 'away' }>
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
  /** Dials a multiaddr that ends in /p2p/<peer>. */
  connect(address: string, options: { readonly signal?: AbortSignal }): Promise<unknown>
  /** Those I am at. */
  relays(): readonly { readonly id: string; readonly origin?: string }[]
}
