/** What the HTTP front is started with. Types only. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../src/shared/clock.ts'
import type { Log } from '../../src/shared/log.ts'
import type { HostPort } from '../config/options.ts'
import type { DistFiles } from './dist-files.ts'
import type { ClientHost } from './hosts.ts'
import type { Remote } from './remote.ts'

export interface SiteContext {
  readonly host: ClientHost
  /** The address of ours that the client reached; of the proxy's socket when there is one. */
  readonly localAddress: string
}

export interface FrontOptions {
  readonly listen: HostPort
  /** The name that was given for `listen.host`; requests may use it. */
  readonly listenName?: string
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly publicUrl?: string
  readonly trustProxy: readonly string[]
  readonly files: DistFiles
  /** What dmesh.json says to this client; undefined = not yet (503). */
  readonly site: (context: SiteContext) => unknown
  readonly ready: () => boolean
  /** Owns the socket. Absent = 503. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer, remote: Remote) => void
  readonly clock: Clock
  readonly log: Log
  /** ms; for tests. Default limits.ts. */
  readonly headersTimeout?: number
}
