/** The HTTP front: page, dmesh.json, health, and the door through which WebSockets reach the mesh, all on one port. Reads no body, sets no cookie, never touches the disk after start. */
import { createServer as createHttp, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MeshError } from '../../src/shared/errors.ts'
import { prefixOf } from '../../src/shared/ip-prefix.ts'
import { createPlaces } from '../../src/shared/places.ts'
import { createRateLimiter } from '../../src/shared/rate-limit.ts'
import type { HostPort } from '../config/options.ts'
import { certificateNames } from './certificate-names.ts'
import { type ClientHost, isLoopback, resolveHost } from './hosts.ts'
import * as limits from './limits.ts'
import type { FrontOptions } from './options.ts'
import { createReadRemote, createTrusted, type ReadRemote, type Remote } from './remote.ts'
import { answer, refuseSocket } from './respond.ts'
import { route } from './route.ts'
import { createVisitors } from './visitors.ts'

export interface Front {
  readonly port: number
  /** Sockets open now, and upgrades refused since the start. */
  stats(): { readonly sockets: number; readonly upgradesRefused: number }
  /** Somebody of this address's network asked something lately, so it is no forged one. */
  hasSeen(address: string): boolean
  /** New connections use this certificate. BAD_CONFIG when the two do not fit. No effect without TLS. */
  setCertificate(tls: { readonly cert: string; readonly key: string }): void
  /** No new connections; answers that run may end. */
  stopAccepting(): void
  /** Cut everything that is left. */
  close(): Promise<void>
}

/** PORT_IN_USE, BAD_CONFIG (address not ours, no right to the port). */
export async function startFront(options: FrontOptions): Promise<Front> {
  const sockets = new Set<Duplex>()
  const upgrades = createRateLimiter(options.clock, limits.UPGRADES)
  let upgradesRefused = 0
  const trusted = createTrusted(options.trustProxy)
  const readRemote = createReadRemote(trusted)
  let names = hostNames(options)
  const server = createServer(options)
  server.maxHeadersCount = limits.MAX_HEADER_LINES
  server.keepAliveTimeout = limits.KEEP_ALIVE
  server.maxConnections = limits.MAX_SOCKETS
  server.timeout = limits.IDLE_TIMEOUT
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const crowd = shareSockets(server, trusted)
  const visitors = createVisitors(options.clock)
  // Bodies are not read: whoever sends one is answered and cut, and whatever else comes from there gets no second answer.
  const ending = new WeakSet<Duplex>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!ending.has(socket)) onClientError(error, socket)
  })
  server.on('request', (request, response) => {
    const status = wrongHead(request)
    if (status) return refuseSocket(request.socket, status)
    crowd.asks(request)
    visitors.note(remoteOf(request, readRemote).address)
    if (hasBody(request)) {
      ending.add(request.socket)
      response.setHeader('connection', 'close')
    }
    void onRequest(request, response, options, names, readRemote)
  })
  server.on('upgrade', (request, socket, head) => {
    crowd.asks(request)
    socket.on('error', () => socket.destroy())
    const status = wrongHead(request)
    if (status) return refuseSocket(socket, status)
    if (!hostOf(request, names, readRemote)) return refuseSocket(socket, 421)
    if (request.headers.upgrade?.toLowerCase() !== 'websocket' || !options.onUpgrade || !options.ready()) return refuseSocket(socket, 503)
    const remote = remoteOf(request, readRemote)
    // Without an address it was gone before it was accepted.
    const leave = isIP(remote.address) === 0 ? undefined : upgrades.start(prefixOf(remote.address))
    if (!leave) {
      upgradesRefused++
      return refuseSocket(socket, 429)
    }
    socket.once('close', leave)
    request.socket.setTimeout(0)
    crowd.upgraded(request)
    options.onUpgrade(request, socket, head, remote)
  })
  await listen(server, options.listen)
  const { port } = server.address() as AddressInfo
  return {
    port,
    hasSeen: visitors.has,
    stats: () => ({ sockets: sockets.size, upgradesRefused }),
    setCertificate(tls) {
      if ('setSecureContext' in server) (server as HttpsServer).setSecureContext(tls)
      names = hostNames({ ...options, tls })
    },
    stopAccepting() {
      server.close()
      server.closeIdleConnections()
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Heads that a proxy in front may read differently (RFC 9112 §3.2, §6.1); Node.js itself refuses conflicting lengths, keeps the first Host, and drops lines above its cap. */
function wrongHead({ rawHeaders }: IncomingMessage): number | undefined {
  if (rawHeaders.length >= 2 * limits.MAX_HEADER_LINES) return 431
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  return hosts.length > 1 ? 400 : undefined
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Cuts, of sockets that are no WebSockets, those that asked for nothing longest when one network or all together have too many. */
function shareSockets(server: Server, trusted: (address: string) => boolean) {
  const places = createPlaces<Socket>(limits.HTTP_SOCKETS)
  // Behind TLS a request comes from a wrapper, which knows the same two ends as the socket below.
  const raw = new Map<string, Socket>()
  const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  const enter = (socket: Socket) => places.enter(socket, prefixOf(socket.remoteAddress))?.destroy()
  const find = ({ socket }: IncomingMessage) => raw.get(keyOf(socket))
  server.on('connection', (socket: Socket) => {
    if (trusted(socket.remoteAddress ?? '')) return
    const key = keyOf(socket)
    raw.set(key, socket)
    socket.once('close', () => {
      places.leave(socket)
      if (raw.get(key) === socket) raw.delete(key)
    })
    enter(socket)
  })
  return {
    asks(request: IncomingMessage) {
      const socket = find(request)
      if (socket) enter(socket)
    },
    upgraded(request: IncomingMessage) {
      const socket = find(request)
      if (socket) places.leave(socket)
    },
  }
}

function createServer({ tls, headersTimeout }: FrontOptions): Server {
  const settings: ServerOptions = {
    maxHeaderSize: limits.MAX_HEADER_BYTES,
    headersTimeout: headersTimeout ?? limits.HEADERS_TIMEOUT,
    requestTimeout: Math.max(limits.REQUEST_TIMEOUT, headersTimeout ?? 0),
    connectionsCheckingInterval: Math.min(limits.CHECK_INTERVAL, headersTimeout ?? limits.CHECK_INTERVAL),
    requireHostHeader: false,
  }
  if (!tls) return createHttp(settings)
  try {
    return createHttps({ ...settings, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.HEADERS_TIMEOUT })
  } catch (error) {
    throw new MeshError('BAD_CONFIG', `--tls-cert and --tls-key do not fit together or are not PEM (${(error as Error).message}).`, { cause: error })
  }
}

/** What the relay was told it is called. A name of its own certificate cannot be another page's that was rebound to us: that page's browser would not have connected. */
function hostNames({ listen, listenName, publicUrl, tls }: FrontOptions): readonly string[] {
  const host = listenName ?? listen.host
  const names = publicUrl ? [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '').toLowerCase()] : []
  const wildcard = host === '0.0.0.0' || host === '::'
  if (!wildcard && !isLoopback(host) && host !== 'localhost') names.push(host.toLowerCase())
  return tls ? [...names, ...certificateNames(tls.cert)] : names
}

function remoteOf(request: IncomingMessage, readRemote: ReadRemote): Remote {
  const { socket, headers } = request
  const text = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(',') : value)
  return readRemote({
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    encrypted: 'encrypted' in socket,
    forwardedFor: text(headers['x-forwarded-for']),
    forwardedProto: text(headers['x-forwarded-proto']),
  })
}

function hostOf(request: IncomingMessage, names: readonly string[], readRemote: ReadRemote): ClientHost | undefined {
  const { secure } = remoteOf(request, readRemote)
  return resolveHost({ header: request.headers.host, secure, localAddress: request.socket.localAddress ?? '', names })
}

async function onRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: FrontOptions,
  names: readonly string[],
  readRemote: ReadRemote,
): Promise<void> {
  const { headers, method = 'GET', url = '' } = request
  const one = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
  const host = hostOf(request, names, readRemote)
  const target = url.length > limits.MAX_URL ? '' : url
  const facts = { method, target, host, fetchMode: one('sec-fetch-mode'), fetchDest: one('sec-fetch-dest'), accept: one('accept') }
  try {
    await answer(route(facts), { request, response, host, localAddress: request.socket.localAddress ?? '', options })
  } catch (error) {
    options.log('front.answer.failed', { message: error instanceof Error ? error.message.slice(0, 200) : String(error) }, 'error')
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
}

function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  if (error.code === 'HPE_HEADER_OVERFLOW') return refuseSocket(socket, 431)
  refuseSocket(socket, error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400)
}

/** Listen, with failures as sentences. */
export async function listen(server: Server, { host, port }: HostPort, flag = '--listen'): Promise<void> {
  try {
    await new Promise<void>((done, fail) => server.once('error', fail).listen({ host, port }, done))
  } catch (error) {
    throw listenError(error, { host, port }, flag)
  }
}

/** Why an address could not be taken, as PORT_IN_USE or BAD_CONFIG. */
export function listenError(error: unknown, { host, port }: HostPort, flag: string): MeshError {
  const { code } = error as NodeJS.ErrnoException
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (code === 'EADDRINUSE')
    return new MeshError('PORT_IN_USE', `Another program listens on ${place}. Choose another port with ${flag}, or stop that program.`, {
      cause: error,
    })
  if (code === 'EACCES')
    return new MeshError('BAD_CONFIG', `${flag} ${place}: ports below 1024 need more rights. Choose a higher one.`, { cause: error })
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new MeshError('BAD_CONFIG', `${flag} ${place}: this computer has no such address.`, { cause: error })
  return new MeshError('BAD_CONFIG', `${flag} ${place}: cannot listen there (${code ?? String(error)}).`, { cause: error })
}
