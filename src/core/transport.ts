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
