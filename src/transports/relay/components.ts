/** The few parts of a running libp2p that the relay transport touches, as types. libp2p passes an object that has them all. */
import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  ConnectionGater,
  Libp2pEvents,
  PeerId,
  PeerStore,
  PrivateKey,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  TypedEventTarget,
  Upgrader,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface RelayComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: PeerStore
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string): Promise<void>
  }
  readonly connectionManager: {
    getConnections(peer?: PeerId): Connection[]
    openConnection(target: PeerId | Multiaddr | Multiaddr[], options?: AbortOptions): Promise<Connection>
  }
  readonly addressManager: {
    getAddresses(): Multiaddr[]
    confirmObservedAddr(addr: Multiaddr, options?: { type?: 'transport'; ttl?: number }): void
    removeObservedAddr(addr: Multiaddr): void
  }
}

export interface HopComponents extends RelayComponents {
  readonly privateKey: PrivateKey
}

export interface RelayClientComponents extends RelayComponents {
  readonly upgrader: Upgrader
  readonly connectionGater: ConnectionGater
}

/** Options of a new stream to whoever is known, or has to be, to speak the protocol: the first message goes with the question, and a no comes with the first read (mesh/muxer.ts). */
export const AT_ONCE = { eager: true }

/** Direct and open: the only connections a reservation or a circuit may run over. */
export function isDirect(connection: Connection): boolean {
  return connection.status === 'open' && !connection.remoteAddr.toString().includes('/p2p-circuit')
}

/** The newest open direct connection to a peer. */
export function newestDirect({ connectionManager }: RelayComponents, peer: PeerId | string): Connection | undefined {
  return connectionManager
    .getConnections(typeof peer === 'string' ? peerIdFromString(peer) : peer)
    .filter(isDirect)
    .sort((a, b) => b.timeline.open - a.timeline.open)[0]
}

/** Half-close, and reset when the other side does not take it in time. */
export function closeQuietly(stream: Stream, signal: AbortSignal): void {
  stream.close({ signal }).catch((error: unknown) => stream.abort(error instanceof Error ? error : new Error('close failed')))
}
