/** The local API's shapes: HTTP/1.1 with JSON over a Unix socket in `<data-dir>/local`, both owner-only (design §4). Types alone; both ends use them. Requests are parsed in requests.ts. */
import { join } from 'node:path'
import type { Mesh, MeshEvents, PeerInfo, Publication } from '../../src/core/mesh.ts'
import type { LogLevel } from '../../src/shared/log.ts'
import type { RequestOf } from './requests.ts'

/** Keys as `ipfs id` prints them. */
export interface IdAnswer {
  readonly ID: string
  /** Base64 of the protobuf-encoded key (libp2p peer-ids spec). */
  readonly PublicKey: string
  readonly Addresses: readonly string[]
  readonly AgentVersion: string
  readonly ProtocolVersion: string
  readonly Protocols: readonly string[]
}

export interface StatusAnswer {
  readonly peer: string
  readonly name: string
  readonly version: string
  readonly kind: 'relay' | 'cli'
  /** Hash of the page; of a relay. */
  readonly build?: string
  /** Of a relay. */
  readonly url?: string
  /** Of a relay. */
  readonly lobby?: boolean
  readonly ready: boolean
  readonly pid: number
  /** Seconds. */
  readonly uptime: number
  readonly dataDir: string
  /** Counters and gauges, as in /metrics. */
  readonly numbers: Readonly<Record<string, number>>
  readonly levels: Readonly<Record<string, LogLevel | 'off'>>
  /** Why access.json is not applied. */
  readonly problem?: string
}

export interface PingAnswer {
  readonly peer: string
  /** ms. */
  readonly rtt: number
  readonly path: PeerInfo['path']
  readonly transport?: PeerInfo['transport']
}

/** One line of `GET /events`: `statechange` comes first with the snapshot of now; bytes are base64url. */
export type LocalEvent =
  | { [K in Exclude<keyof MeshEvents, 'message'>]: { readonly type: K; readonly detail: MeshEvents[K] } }[Exclude<keyof MeshEvents, 'message'>]
  | { readonly type: 'message'; readonly detail: LocalBytes & Omit<MeshEvents['message'], 'data'> }

/** One line of `POST /subscribe`; the first says that the topic is joined. */
export type TopicLine = { readonly type: 'joined' } | { readonly type: 'publication'; readonly detail: LocalBytes & Omit<Publication, 'data'> }

/** One line of `POST /serve`; the first says that it is served. */
export type ServeLine =
  | { readonly type: 'serving'; readonly url: string }
  | { readonly type: 'request'; readonly peer: string; readonly method: string; readonly path: string; readonly status: number }

/** Head of what `POST /fetch` answers, as JSON in base64url in the field FETCHED; the body follows as it is. */
export interface FetchedHead {
  readonly status: number
  readonly url: string
  readonly fields: readonly (readonly [string, string])[]
}

export const FETCHED = 'x-dmesh-fetched'

export interface LocalBytes {
  /** base64url. */
  readonly data: string
  /** The same, where it is UTF-8. */
  readonly text?: string
}

/** What the calls that carry core's Mesh are made on. */
export type LocalMesh = Pick<
  Mesh,
  | 'policy'
  | 'grant'
  | 'revoke'
  | 'explain'
  | 'state'
  | 'files'
  | 'relays'
  | 'meshes'
  | 'send'
  | 'read'
  | 'rename'
  | 'publish'
  | 'subscribe'
  | 'peer'
  | 'fetch'
  | 'serve'
  | 'why'
  | 'find'
  | 'addEventListener'
>

/** What a relay or a terminal peer offers to the local API. */
export interface LocalApiParts {
  readonly mesh: LocalMesh
  /** My own names for others, by PeerID. */
  petnames(): Promise<Readonly<Record<string, string>>>
  id(): IdAnswer
  peers(): readonly PeerInfo[]
  status(): StatusAnswer
  /** PEER_UNREACHABLE, TIMEOUT, BAD_ARGUMENT. */
  ping(request: RequestOf<'ping'>, signal: AbortSignal): Promise<PingAnswer>
  setLevel(request: RequestOf<'log'>): Readonly<Record<string, LogLevel | 'off'>>
}

/** Where socket and token lie under a data directory. */
export function localPaths(dataDir: string): { readonly dir: string; readonly socket: string; readonly token: string } {
  const dir = join(dataDir, 'local')
  return { dir, socket: join(dir, 'api.sock'), token: join(dir, 'token') }
}

/** The Host that requests must name: a browser that reaches the socket by any trick does not. */
export const LOCAL_HOST = 'local.dmesh'
