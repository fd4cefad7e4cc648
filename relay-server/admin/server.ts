/** The operator's listener: /metrics (OpenMetrics), /healthz, /readyz. Loopback unless told otherwise; checks Host, refuses every Origin, changes nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '../config/options.ts'
import { isLoopback, parseHostHeader, plainAddress } from '../front/hosts.ts'
import { CHECK_INTERVAL, HEADERS_TIMEOUT, MAX_HEADER_BYTES, REQUEST_TIMEOUT } from '../front/limits.ts'
import { listen } from '../front/server.ts'
import type { Metrics } from './metrics.ts'

export interface Admin {
  readonly port: number
  close(): Promise<void>
}

export interface AdminOptions {
  readonly listen: HostPort
  readonly metrics: Metrics
  readonly ready: () => boolean
}

const MAX_CONNECTIONS = 64 // a few scrapers and probes

/** PORT_IN_USE, BAD_CONFIG. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const timeouts = { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, connectionsCheckingInterval: CHECK_INTERVAL }
  const server = createServer({ ...timeouts, maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false })
  server.maxConnections = MAX_CONNECTIONS
  server.on('request', (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const host = parseHostHeader(request.headers.host, false)?.host
    if (!host || !isOwnHost(host, request.socket.localAddress ?? '', options.listen.host)) return answer(421, 'unknown host\n')
    if (request.headers.origin !== undefined) return answer(403, 'not for web pages\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET and HEAD\n')
    if (request.url === '/healthz') return answer(200, 'ok\n')
    if (request.url === '/readyz') return options.ready() ? answer(200, 'ready\n') : answer(503, 'not ready\n')
    if (request.url !== '/metrics') return answer(404, 'nothing is here\n')
    options.metrics.render().then(
      (text) => answer(200, text, options.metrics.contentType),
      () => answer(500, 'the numbers could not be read\n'),
    )
  })
  await listen(server, options.listen, '--admin')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** An address cannot be rebound; of names only localhost and the one that is listened on. */
function isOwnHost(host: string, localAddress: string, listenHost: string): boolean {
  return host === 'localhost' || isLoopback(host) || host === plainAddress(localAddress) || host === listenHost.toLowerCase()
}
