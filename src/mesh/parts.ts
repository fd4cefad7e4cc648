/** What createMesh takes and what a root gets back. Types only. */
import type { Policy, Who } from '../core/access.ts'
import type { FindGround } from '../core/find.ts'
import type { HttpApi } from '../core/http.ts'
import type { Identity } from '../core/identity.ts'
import type { HttpGround, Mesh } from '../core/mesh.ts'
import type { PathAttempt } from '../core/path.ts'
import type { FilesService, MessageService, PresenceService, Protocol, Pubsub } from '../core/protocol.ts'
import type { RecordStore } from '../core/stores.ts'
import type { RelayClient, RelaySource, Transport } from '../core/transport.ts'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { NearDialer } from './connector.ts'

export interface MeshParts {
  readonly identity: Identity
  readonly records: RecordStore
  readonly transports: readonly Transport[]
  readonly relayClient?: RelayClient
  readonly relays: readonly RelaySource[]
  /** Makes one of an origin that is added later. Without it none can be. */
  readonly relaySource?: (origin: string) => RelaySource
  readonly policy: Policy
  /** Roles of a peer here, where this place knows better than by presence alone. */
  readonly rolesOf?: (peer: string) => Who['roles']
  /** Private meshes that a peer showed a certificate of: on a relay. */
  readonly meshesOf?: (peer: string) => Who['meshes']
  readonly protocols: MeshProtocols
  readonly clock: Clock
  readonly log: Log
  /** What I call myself until the user says otherwise. */
  readonly name: string
  readonly version: string
  readonly kind: 'browser' | 'relay' | 'cli'
  /** More libp2p services, opaque: the relay's hop server. */
  readonly services?: Readonly<Record<string, unknown>>
  /** Multiaddr texts to announce. */
  readonly announce?: readonly string[]
  readonly maxConnections?: number
  /** Default: always. False while WebRTC has no window to run in. */
  readonly canDirect?: () => boolean
  /** Makes direct links by dialling, e.g. near.ts. Default: WebRTC alone. */
  readonly near?: NearDialer
  /** [0, 1). Default Math.random. */
  readonly random?: () => number
}

export interface MeshProtocols {
  readonly message: Protocol<MessageService>
  readonly files: Protocol<FilesService>
  readonly presence: Protocol<PresenceService>
  /** Default: none, then publish and subscribe say NOT_SUPPORTED. */
  readonly pubsub?: Pubsub
  /** Default: none, then fetch and serve say NOT_SUPPORTED. */
  readonly http?: (ground: HttpGround) => HttpApi
  /** Default: none, then find says NOT_SUPPORTED. */
  readonly find?: (ground: FindGround) => Mesh['find']
  /** Others, e.g. echo. */
  readonly more?: readonly Protocol[]
}

/** What a root gets beside the API. */
export interface MeshHost extends Mesh {
  /** Network or clock changed: reconnect now. */
  kick(): void
  /** A direct attempt was made elsewhere (the WebRTC host). */
  noteAttempt(peer: string, attempt: PathAttempt): void
  /** Every handler with its capability, for the test that none lacks one. */
  handlers(): readonly (readonly [protocol: string, may: string | undefined])[]
  /** Multiaddr texts under which this peer listens. */
  addresses(): readonly string[]
  /**
   * Connect to a multiaddr text that ends in /p2p/<peer>; resolves with the PeerID. `protocol` = one that the address says is spoken there (readPeerUrl): its
   * first stream does not wait for a yes. KEY_MISMATCH, PEER_UNREACHABLE, TIMEOUT.
   */
  connect(address: string, options?: { signal?: AbortSignal; protocol?: string }): Promise<string>
  /** Live connections, for metrics. */
  connections(): number
}
