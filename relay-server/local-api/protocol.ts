/** The local API's shapes: HTTP/1.1 with JSON over a Unix socket in `<data-dir>/local`, both owner-only (design §4). Types and parsers; both ends use them. */
import { join } from 'node:path'
import * as v from 'valibot'
import type { PeerInfo } from '../../src/core/mesh.ts'
import { MeshError } from '../../src/shared/errors.ts'
import type { LogLevel } from '../../src/shared/log.ts'

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
  /** Hash of the page. */
  readonly build: string
  readonly url: string
  readonly lobby: boolean
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

export interface PingRequest {
  readonly peer: string
}

export interface PingAnswer {
  readonly peer: string
  /** ms. */
  readonly rtt: number
  readonly path: PeerInfo['path']
  readonly transport?: PeerInfo['transport']
}

export interface LogRequest {
  readonly subsystem: string
  readonly level: LogLevel | 'off'
}

/** What the relay offers to the local API. */
export interface LocalApiParts {
  id(): IdAnswer
  peers(): readonly PeerInfo[]
  status(): StatusAnswer
  /** PEER_UNREACHABLE, TIMEOUT, BAD_ARGUMENT. */
  ping(request: PingRequest, signal: AbortSignal): Promise<PingAnswer>
  setLevel(request: LogRequest): Readonly<Record<string, LogLevel | 'off'>>
}

const pingSchema = v.strictObject({ peer: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{20,128}$/, 'a PeerID')) })
const logSchema = v.strictObject({
  subsystem: v.pipe(v.string(), v.regex(/^(\*|[a-z][a-z0-9-]{0,31})$/, 'a subsystem such as relay, or *')),
  level: v.picklist(['debug', 'info', 'warn', 'error', 'off'], 'debug, info, warn, error or off'),
})

/** BAD_ARGUMENT names the member. */
export function parsePingRequest(value: unknown): PingRequest {
  return parse(pingSchema, value)
}

/** BAD_ARGUMENT names the member. */
export function parseLogRequest(value: unknown): LogRequest {
  return parse(logSchema, value)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new MeshError('BAD_ARGUMENT', `${v.getDotPath(result.issues[0]) ?? 'the request'} must be ${result.issues[0].message}`)
}

/** Where socket and token lie under a data directory. */
export function localPaths(dataDir: string): { readonly dir: string; readonly socket: string; readonly token: string } {
  const dir = join(dataDir, 'local')
  return { dir, socket: join(dir, 'api.sock'), token: join(dir, 'token') }
}

/** The Host that requests must name: a browser that reaches the socket by any trick does not. */
export const LOCAL_HOST = 'local.dmesh'
