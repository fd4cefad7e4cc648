/** Writes the answers that route.ts chose. Every answer carries the base headers; only dmesh.json may be read by other origins. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { chooseEncoding, type DistFile } from './dist-files.ts'
import { BASE_HEADERS, PEER_CONTENT_HEADERS, pageHeaders, transportHeaders } from './headers.ts'
import type { ClientHost } from './hosts.ts'
import { SITE_MAX_AGE } from './limits.ts'
import type { FrontOptions } from './options.ts'
import type { Route } from './route.ts'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly host: ClientHost | undefined
  readonly localAddress: string
  readonly options: FrontOptions
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
const SITE_CORS = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }

/** Ends the response, whatever the route. */
export async function answer(route: Route, exchange: Exchange): Promise<void> {
  const { options, host, localAddress } = exchange
  switch (route.kind) {
    case 'misdirected':
      return text(exchange, 421, 'This relay does not answer to that host name. Set --public-url to the address you use.\n')
    case 'bad-target':
      return text(exchange, 400, 'The address is malformed.\n')
    case 'method':
      return text(exchange, 405, 'Only GET and HEAD.\n', { allow: route.allow, connection: 'close' })
    case 'redirect':
      return text(exchange, 307, '', { location: route.to })
    case 'health':
      return text(exchange, 200, 'ok\n')
    case 'ready':
      return options.ready() ? text(exchange, 200, 'ready\n') : text(exchange, 503, 'not ready\n')
    case 'site-preflight':
      return text(exchange, 204, '', { ...SITE_CORS, 'access-control-allow-methods': 'GET, HEAD', 'access-control-max-age': '600' })
    case 'peer-content':
      return text(exchange, route.status, route.status === 403 ? 'Not on this origin.\n' : 'Nothing is served here.\n', PEER_CONTENT_HEADERS)
    case 'site': {
      const site = options.ready() && host ? options.site({ host, localAddress }) : undefined
      if (!site) return text(exchange, 503, 'The relay is starting.\n', { ...SITE_CORS, 'retry-after': '1' })
      return send(exchange, 200, JSON.stringify(site), {
        'content-type': 'application/json',
        'cache-control': `max-age=${SITE_MAX_AGE}`,
        ...SITE_CORS,
      })
    }
    case 'file': {
      const file = options.files.get(route.path)
      if (file && host) return sendFile(exchange, file, host)
      if (!options.files.present) return text(exchange, 503, 'The page is not built. Run: npm run build\n')
      return text(exchange, 404, 'Nothing is here.\n')
    }
  }
}

async function sendFile(exchange: Exchange, file: DistFile, host: ClientHost): Promise<void> {
  const { request, options } = exchange
  const encoding = chooseEncoding(String(request.headers['accept-encoding'] ?? ''), file.compressible)
  // One tag per encoding: a strong tag names exact bytes (RFC 9110 §8.8.3).
  const etag = encoding === 'identity' ? file.etag : `${file.etag.slice(0, -1)}-${encoding}"`
  const headers = {
    ...pageHeaders(host, options.files.scripts),
    'content-type': file.type,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    ...(file.compressible ? { vary: 'Accept-Encoding' } : {}),
  }
  if (matches(request.headers['if-none-match'], etag)) return send(exchange, 304, undefined, headers)
  const bytes = await file.read(encoding)
  return send(exchange, 200, bytes, encoding === 'identity' ? headers : { ...headers, 'content-encoding': encoding })
}

function matches(header: string | undefined, etag: string): boolean {
  if (!header) return false
  return header === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

function text(exchange: Exchange, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
  send(exchange, status, body, { ...TEXT, 'content-security-policy': "default-src 'none'; frame-ancestors 'none'", ...headers })
}

function send(
  { request, response, host }: Exchange,
  status: number,
  body: string | Uint8Array | undefined,
  headers: Readonly<Record<string, string>>,
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const bodyless = status === 304 || status === 204
  response.writeHead(status, {
    ...BASE_HEADERS,
    ...transportHeaders(host),
    ...headers,
    ...(bytes && !bodyless ? { 'content-length': bytes.byteLength } : {}),
  })
  response.end(request.method === 'HEAD' || bodyless ? undefined : bytes)
}

/** Answer on a raw socket and close it. A 431 clears cookies: they are the only header that grows by itself, and ours has none. */
export function refuseSocket(socket: Duplex, status: number): void {
  const extra = status === 431 ? 'Clear-Site-Data: "cookies"\r\n' : ''
  const body = `${STATUS_CODES[status] ?? 'Error'}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${extra}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  // Whoever keeps sending must not hold the socket.
  socket.once('finish', () => socket.destroy())
}
