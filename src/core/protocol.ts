/** Contract of a protocol plugin: one id, one capability, one handler, and what the mesh lends it. */
import type { Bus } from '../shared/bus.ts'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { PolicyRow } from './access.ts'
import type { Identity } from './identity.ts'
import type { FilesApi, Mesh, MeshEvents, MeshSettings, MessageInfo, PeerInfo, TransferInfo } from './mesh.ts'
import type { PeerStream } from './peer-stream.ts'
import type { PresenceMesh } from './presence-mesh.ts'
import type { Gossip, GossipOptions, MeshSeal } from './pubsub.ts'

/** What a protocol may use of the mesh. */
export interface ProtocolHost {
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
  readonly bus: Bus<MeshEvents>
  /** Open a stream to a peer over its best path. PEER_UNREACHABLE, ACCESS_DENIED, UNKNOWN_PROTOCOL, TIMEOUT. */
  open(peer: string, protocol: string, options?: { signal?: AbortSignal }): Promise<PeerStream>
  peers(): readonly PeerInfo[]
  /** ms to a connected peer over the best path, when it was measured. */
  rttOf?(peer: string): number | undefined
  /** IP address that the connection under a stream comes from, for quotas; of the relay when it is relayed. Undefined when it has none. */
  remoteAddress(stream: PeerStream): string | undefined
  /** There is use for this stream, which the peer opened: its connection is not trimmed while it lives. */
  keep(stream: PeerStream): void
  /** Close the whole connection under a stream, e.g. of an older instance. */
  disconnect(stream: PeerStream, reason: unknown): void
}

/** One folder under protocols/ or discovery/ makes one of these. `S` is what it offers to the API. */
export interface Protocol<S = unknown> {
  /** Registry id(s) it answers, from wire/ids.ts. */
  readonly ids: readonly string[]
  /** Capability that guards its handler, e.g. 'message.send'. */
  readonly may: string
  /** A row that holds as long as its handler does, where those a policy starts with do not speak of it. */
  readonly row?: PolicyRow
  /** Start; ends with the signal. Everything it made stops then. */
  start(
    host: ProtocolHost,
    signal: AbortSignal,
  ): {
    readonly service: S
    /** Owns the stream: must close or abort it. Throwing aborts it with the error's code. `uncount`: it goes on with what was counted before, so rate and concurrency count it no more; undefined when `more()` alone let it in. */
    serve(stream: PeerStream, uncount?: () => void): Promise<void>
    /** Asked when what the policy allows a peer at once or in a minute is used up: true lets one more stream in, uncounted, to go on with something that was counted. */
    more?(peer: string): boolean
  }
}

/** What pub/sub may use of the mesh beside the rest: the gossip network, which is loaded when it is opened. */
export interface PubsubHost extends ProtocolHost {
  openGossip(options: GossipOptions): Promise<Gossip>
  /** Undefined when this peer is not a member of the private mesh, or has no key of it yet. */
  sealFor(mesh: string): Promise<MeshSeal | undefined>
}

/** Unlike a protocol it has no stream of its own: gossipsub has them. */
export interface Pubsub {
  start(host: PubsubHost, signal: AbortSignal): PubsubService
}

export type PubsubService = Pick<Mesh, 'publish' | 'subscribe'>

export interface MessageService {
  send(peer: string, topic: string, data: string | Uint8Array<ArrayBuffer>, options?: { signal?: AbortSignal }): Promise<string>
  /** Newest last, at most 500. */
  messages(): readonly MessageInfo[]
  /** A peer became reachable: try what waits for it. */
  flush(peer: string): void
  /** Peers for whom something waits. */
  waiting(): readonly string[]
  /** See Mesh. */
  read(peer: string, messageId?: string): Promise<void>
  settings(): MeshSettings
  configure(settings: Partial<MeshSettings>): Promise<void>
}

export interface FilesService extends FilesApi {
  transfers(): readonly TransferInfo[]
}

export interface PresenceEntry {
  readonly peer: string
  readonly name: string
  readonly kind: string
  /** ms since 1970, our clock, when the record was verified. */
  readonly seen: number
  /** PeerID of the relay that told us. */
  readonly relay: string
  readonly here: boolean
  /** Every relay where it is here, with its own round trip to it in ms where it says so. Absent = `relay` alone. */
  readonly places?: readonly { readonly relay: string; readonly rtt?: number }[]
  /** Where it was seen: 'lobby', or ids of private meshes. */
  readonly meshes: readonly string[]
}

export interface PresenceService {
  /**
   * Announce at `relay` in the lobby, or in a private mesh that it was shown a certificate for, and follow that roster until the signal fires; opens the stream
   * again after a failure. Rejects only when the relay refuses (ACCESS_DENIED, OLD_INSTANCE).
   */
  join(relay: string, signal: AbortSignal, mesh?: PresenceMesh): Promise<void>
  entries(): readonly PresenceEntry[]
  /** Say the new name to every relay joined. */
  rename(name: string): void
  onChange(listen: () => void, signal: AbortSignal): void
  /** Look again who is a member, e.g. after a removal. */
  recheck(): void
}
