/** The API of design §4: the same interface in the worker that owns the mesh, in the page, in the embed SDK and in Node.js. Contract suite: tests/contract/mesh-api.ts. */
import type { Decision, Grant, PolicyRow } from './access.ts'
import type { FindApi } from './find.ts'
import type { HttpApi } from './http.ts'
import type { IdentityNames } from './identity.ts'
import type { MeshesApi, MeshInfo } from './meshes.ts'
import type { Path, PathAttempt, PathObstacle } from './path.ts'
import type { PeerStream } from './peer-stream.ts'

/** `offline` = no relay answers; `relayed` = reachable through a relay; `direct` = at least one direct path to a peer. */
export type MeshStatus = 'starting' | 'offline' | 'relayed' | 'direct' | 'stopped'

export interface PeerInfo {
  /** PeerID, base58. */
  readonly id: string
  /** Petname if I gave one, else what it calls itself (never proof). */
  readonly name: string
  readonly path: 'direct' | 'relayed' | 'away'
  /** Transport of the best path; undefined while away. */
  readonly transport?: Path['transport']
  /** ms; undefined before the first measurement. */
  readonly rtt?: number
  /** PeerID of the hop, when relayed. */
  readonly relay?: string
  /** What was tried for a direct path, newest last, at most 16. */
  readonly attempts: readonly PathAttempt[]
  /** ms since 1970 when it was last here. */
  readonly seen: number
  /** Kind of device as the peer says: 'browser' | 'relay' | 'cli'. */
  readonly kind: string
  /** Where we meet: 'lobby', or ids of private meshes. */
  readonly meshes: readonly string[]
}

export interface RelayInfo {
  readonly id: string
  /** Host a person knows, e.g. home.example. */
  readonly name: string
  readonly status: 'connecting' | 'reserved' | 'refused' | 'unreachable'
  readonly transport?: Path['transport']
  readonly rtt?: number
  /** True for the one that is used first: the nearest. */
  readonly preferred?: boolean
  /** Where it was asked for, e.g. https://home.example. */
  readonly origin?: string
  /** Code and sentence of the last failure. */
  readonly problem?: { readonly code: string; readonly message: string }
  /** From its dmesh.json. */
  readonly quotas?: Readonly<Record<string, number>>
}

/** Media type of a transfer that is a folder: a tar archive (shared/tar.ts) in which the folder itself is the first part of each path. */
export const FOLDER_TYPE = 'application/vnd.dmesh.folder+tar'

/**
 * `waiting` = broken off, goes on by itself as soon as both devices and the file are there; `paused` = until it is resumed, or, where `problem` is
 * STORAGE_FULL, until there is space again. Both outlive a restart.
 */
export type TransferStatus = 'offered' | 'running' | 'verifying' | 'waiting' | 'paused' | 'done' | 'failed' | 'cancelled' | 'declined'

export interface TransferInfo {
  readonly id: string
  readonly peer: string
  readonly direction: 'in' | 'out'
  readonly name: string
  /** Bytes in all. */
  readonly size: number
  readonly type: string
  /** Bytes so far. */
  readonly done: number
  /** Bytes a second over the last seconds. */
  readonly rate: number
  /** Seconds left at this rate. */
  readonly left?: number
  readonly status: TransferStatus
  /** Of a paused one. */
  readonly pausedBy?: 'me' | 'them'
  /** This device no longer holds the file it sends: `files.resume(id, source)`. */
  readonly needs?: 'source'
  /** Bytes that were there already when it last went on after a break. */
  readonly resumedAt?: number
  /** Lower-case hex, once both sides agree on it. */
  readonly sha256?: string
  readonly problem?: { readonly code: string; readonly message: string }
  readonly at: number
}

export interface MessageInfo {
  readonly id: string
  readonly peer: string
  readonly direction: 'in' | 'out'
  readonly topic: string
  /** Text when the body was text, else undefined. */
  readonly text?: string
  /** Bytes of the body. */
  readonly size: number
  /**
   * Of mine: `waiting` in my outbox, `delivered` = on the other device's store, `read` = it said so, `expired` = waited 30 days in vain.
   * Of theirs: `delivered` until I read it, then `read`.
   */
  readonly status: 'waiting' | 'delivered' | 'read' | 'expired'
  readonly at: number
}

/** What a person chose once and for all. */
export interface MeshSettings {
  /** Tell the sender when I read a message. Default true. */
  readonly sendReceipts: boolean
}

/** One snapshot that a user interface can render; replaced, never mutated. */
export interface MeshState {
  readonly status: MeshStatus
  readonly peer: string
  readonly vip: string
  readonly name: string
  readonly names: IdentityNames
  readonly isNew: boolean
  readonly relays: readonly RelayInfo[]
  readonly peers: readonly PeerInfo[]
  readonly transfers: readonly TransferInfo[]
  /** Newest last, at most 500 in the snapshot. */
  readonly messages: readonly MessageInfo[]
  readonly settings: MeshSettings
  /** Private meshes I am in, was in, or wait for. */
  readonly meshes: readonly MeshInfo[]
  readonly version: string
}

export type MeshEvents = {
  /** The snapshot changed; at most once a frame (16 ms). */
  statechange: MeshState
  /** A peer came, changed path or left. */
  peerchange: PeerInfo
  /** A message arrived, once. Whoever listens later finds it in `state.messages`. */
  message: { readonly id: string; readonly peer: string; readonly topic: string; readonly data: Uint8Array<ArrayBuffer> }
  /** The status of a line changed: delivered, read, expired. */
  messagechange: MessageInfo
  /** A file is offered; `files.accept(id)` or `files.decline(id)`. */
  fileoffer: TransferInfo
  /** A transfer moved on. */
  transferchange: TransferInfo
}

/** One message of a topic. */
export interface Publication {
  /** PeerID of its author, proved by signature. */
  readonly peer: string
  readonly topic: string
  readonly data: Uint8Array<ArrayBuffer>
}

export interface TopicOptions {
  /** Id of a private mesh, whose members alone can read it; or 'lobby' (default), where everybody can: signed, not sealed. */
  readonly mesh?: string
}

export interface OpenOptions {
  /** Default deadline 15 s when the signal does not fire first. */
  readonly signal?: AbortSignal
  /** Wait for a direct path instead of taking the relayed one. Default false. */
  readonly direct?: boolean
}

export interface HandleOptions {
  /** Unregisters. */
  readonly signal?: AbortSignal
  /**
   * Who may open it: 'mesh' = peers of the meshes I am in (default), and a lobby is a mesh that everybody can enter; 'members' = those admitted to a private
   * one and my own devices; 'nobody'; or PeerIDs. To register is to grant: it becomes a policy row, shown in Settings, for as long as the handler lives.
   */
  readonly allow?: 'mesh' | 'members' | 'nobody' | readonly string[]
}

export interface FilesApi {
  /** Offer one file. Resolves with the transfer id as soon as the offer was sent. `source` is pulled by range and never held whole. */
  offer(peer: string, source: Blob & { readonly name?: string }, options?: { name?: string; signal?: AbortSignal }): Promise<string>
  accept(id: string): Promise<void>
  decline(id: string): Promise<void>
  /** Either side, any time before the end. */
  cancel(id: string): Promise<void>
  /** Either side, once it was accepted; nothing that moved is lost. */
  pause(id: string): Promise<void>
  /**
   * Go on with what is paused or waits. `source` where `needs` says so: it is read as far as it was sent, and SOURCE_CHANGED when it is not the same
   * file; BAD_ARGUMENT when it is missing or the transfer has ended.
   */
  resume(id: string, source?: Blob): Promise<void>
  /** The received bytes. BAD_ARGUMENT when the transfer is not done. */
  open(id: string): Promise<Blob>
  /** Forget it and remove its bytes. */
  remove(id: string): Promise<void>
}

/** One way to a peer that is open or was tried. */
export interface PathCandidate {
  readonly kind: 'direct' | 'relayed'
  readonly transport?: Path['transport']
  /** Multiaddr text, of an open one. */
  readonly address?: string
  /** PeerID of the hop, when relayed. */
  readonly relay?: string
  /** The attempt in words, or the relay's name. */
  readonly what?: string
  /** 'used' = new streams take it; 'open' = kept beside it; 'silent' = open, but it does not answer. */
  readonly outcome: 'used' | 'open' | 'silent' | 'trying' | 'failed' | 'not tried'
  /** What stood in the way. */
  readonly code?: string
  readonly obstacle?: PathObstacle
  /** Round trip of an open one, else how long the attempt took. */
  readonly ms?: number
}

/** "Why this path?" */
export interface PathWhy {
  readonly path: PeerInfo['path']
  /** The one in use first; at most 32. */
  readonly candidates: readonly PathCandidate[]
}

/** The relays this mesh holds places at; `state.relays` says how each is. */
export interface RelaysApi {
  /** Use the relay of this origin too, from now on and after a restart. BAD_ARGUMENT, LIMIT_REACHED above 4, NOT_SUPPORTED on a relay. */
  add(origin: string): Promise<void>
  /** BAD_ARGUMENT for one that is not in use, and for the page's own. */
  remove(origin: string): Promise<void>
}

/** The receiving peer's own policy, shown in Settings. */
export interface PolicyApi {
  rows(): Promise<readonly PolicyRow[]>
  put(row: PolicyRow): Promise<void>
  remove(id: string): Promise<void>
}

/** A mesh without what is made of its streams alone, wherever it runs. */
export type MeshGround = Omit<Mesh, keyof HttpApi>

/** What HTTP needs of a mesh, so that it is the same code in every place. */
export type HttpGround = Pick<Mesh, 'peer' | 'open' | 'handle'>

export interface Mesh extends HttpApi, FindApi {
  readonly peer: string
  readonly vip: string
  readonly state: MeshState
  /** Iterable of those here now and lately. */
  readonly peers: readonly PeerInfo[]
  readonly files: FilesApi
  readonly policy: PolicyApi
  readonly relays: RelaysApi
  readonly meshes: MeshesApi
  open(peer: string, protocol: string, options?: OpenOptions): Promise<PeerStream>
  /** Resolves once registered. `serve` owns the stream. */
  handle(protocol: string, serve: (stream: PeerStream) => void | Promise<void>, options?: HandleOptions): Promise<void>
  /** Queued until delivered, in order per peer, delivered once. Resolves with the message id when it is stored. At most 256 KiB. OUTBOX_FULL. */
  send(peer: string, topic: string, data: string | Uint8Array<ArrayBuffer>, options?: { signal?: AbortSignal }): Promise<string>
  /** I read what this peer sent, up to this message of theirs (default: the newest). Told to them when `settings.sendReceipts` says so. Idempotent. */
  read(peer: string, messageId?: string): Promise<void>
  /** Resolves when it is kept. */
  configure(settings: Partial<MeshSettings>): Promise<void>
  /**
   * Send to everybody who is in this topic now; nobody later gets it. At most 64 KiB. Resolves when it left, not when it arrived. ACCESS_DENIED for a mesh that I
   * am not in, NOT_SUPPORTED where pub/sub is switched off.
   */
  publish(topic: string, data: string | Uint8Array<ArrayBuffer>, options?: TopicOptions): Promise<void>
  /** Listen to a topic until the signal fires; my own messages do not come back. Resolves once joined. At most 64 topics. */
  subscribe(topic: string, listen: (publication: Publication) => void, options?: TopicOptions & { readonly signal?: AbortSignal }): Promise<void>
  /** Allow somebody something, here. Resolves with the id for revoke() when it is kept. BAD_ARGUMENT, UNKNOWN_CAPABILITY, GRANT_CONTRADICTS, LIMIT_REACHED. */
  grant(grant: Grant): Promise<string>
  /** Take a grant back; what lives by it alone is cut within a second. BAD_ARGUMENT for an id of no grant. */
  revoke(id: string): Promise<void>
  /** Whether `who` (PeerID, role, 'mesh:<id>') may do it now, which row says so, or why not. `to` defaults to '*'. BAD_ARGUMENT, UNKNOWN_CAPABILITY. */
  explain(who: string, may: string, to?: string): Promise<Decision>
  /** Measure now, over the best path. ms. */
  ping(peer: string, options?: { signal?: AbortSignal }): Promise<number>
  /** How this peer is reached, what else was tried, and what stood in the way. */
  why(peer: string): Promise<PathWhy>
  /** My own name for me (shown to others) or, with `peer`, my petname for them. */
  rename(name: string, peer?: string): Promise<void>
  addEventListener<K extends keyof MeshEvents>(
    type: K,
    listen: (event: { readonly type: K; readonly detail: MeshEvents[K] }) => void,
    options?: { signal?: AbortSignal },
  ): void
  /** Leave: closes every stream and connection. Idempotent. */
  close(): Promise<void>
}
