/** The relay's end of the local API: a Unix socket 0600 in a 0700 directory, and a token on top, since some systems ignore the mode of a socket. No TCP, ever. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { toBase64url } from '../../src/shared/bytes.ts'
import { errorToWire, MeshError, toMeshError } from '../../src/shared/errors.ts'
import type { Log } from '../../src/shared/log.ts'
import * as limits from './limits.ts'
import { LOCAL_HOST, type LocalApiParts, localPaths, parseLogRequest, parsePingRequest } from './protocol.ts'

export interface LocalApi {
  readonly socket: string
  /** Closes and removes socket and token. */
  close(): Promise<void>
}

/** Call only while the data directory is ours: what lies there from a crash is removed. BAD_CONFIG when its path is too long for a socket. */
export async function startLocalApi(dataDir: string, parts: LocalApiParts, log: Log): Promise<LocalApi> {
  const { dir, socket, token: tokenFile } = localPaths(dataDir)
  if (Buffer.byteLength(socket) > limits.MAX_SOCKET_PATH) {
    throw new MeshError(
      'BAD_CONFIG',
      `--data-dir: ${socket} is longer than the ${limits.MAX_SOCKET_PATH} bytes a socket may have. Choose a shorter path.`,
    )
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  rmSync(socket, { force: true })
  rmSync(tokenFile, { force: true })
  const token = toBase64url(randomBytes(limits.TOKEN_BYTES))
  writeFileSync(tokenFile, token, { mode: 0o600, flag: 'wx' })
  const server = createServer({ headersTimeout: limits.REQUEST_TIMEOUT, requestTimeout: limits.REQUEST_TIMEOUT, connectionsCheckingInterval: 1000 })
  server.maxConnections = limits.MAX_CONNECTIONS
  server.on('request', (request, response) => void onRequest(request, response, parts, token, log))
  await listen(server, socket)
  return {
    socket,
    close: () =>
      new Promise((done) => {
        server.close(() => {
          rmSync(socket, { force: true })
          rmSync(tokenFile, { force: true })
          done()
        })
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server, socket: string): Promise<void> {
  try {
    await new Promise<void>((done, fail) => server.once('error', fail).listen(socket, done))
    chmodSync(socket, 0o600)
  } catch (error) {
    throw new MeshError(
      'BAD_CONFIG',
      `the local API cannot listen on ${socket} (${(error as NodeJS.ErrnoException).code}). Choose another --data-dir.`,
      { cause: error },
    )
  }
}

type Handler = (parts: LocalApiParts, body: unknown, signal: AbortSignal) => unknown

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET /id': (parts) => parts.id(),
  'GET /peers': (parts) => parts.peers(),
  'GET /status': (parts) => parts.status(),
  'POST /ping': (parts, body, signal) => parts.ping(parsePingRequest(body), signal),
  'POST /log': (parts, body) => parts.setLevel(parseLogRequest(body)),
}

async function onRequest(request: IncomingMessage, response: ServerResponse, parts: LocalApiParts, token: string, log: Log): Promise<void> {
  try {
    checkCaller(request, token)
    const handler = HANDLERS[`${request.method} ${request.url}`]
    if (!handler) throw new MeshError('UNKNOWN_PROTOCOL', `the local API has no ${request.method} ${String(request.url).slice(0, 80)}`)
    const body = request.method === 'POST' ? await readBody(request) : undefined
    const signal = AbortSignal.any([AbortSignal.timeout(limits.PING_TIMEOUT), signalOf(response)])
    send(response, 200, await handler(parts, body, signal))
  } catch (error) {
    const { code } = toMeshError(error)
    if (code === 'INTERNAL') log('local-api.failed', { message: String(error).slice(0, 200) }, 'error')
    send(response, code === 'ACCESS_DENIED' ? 403 : code === 'INTERNAL' ? 500 : 400, { error: errorToWire(error) })
  }
}

function checkCaller({ headers }: IncomingMessage, token: string): void {
  if (headers.host !== LOCAL_HOST || headers.origin !== undefined)
    throw new MeshError('ACCESS_DENIED', 'the local API is for programs of this user only')
  const given = Buffer.from(headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw new MeshError('ACCESS_DENIED', 'the local API needs the token that lies beside its socket')
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > limits.MAX_REQUEST) throw new MeshError('FRAME_TOO_LARGE', `a request may have ${limits.MAX_REQUEST} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', 'the request is not JSON', { cause: error })
  }
}

/** Fires when the caller hangs up. */
function signalOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new MeshError('ABORTED', 'the caller hung up')))
  return gone.signal
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.byteLength, connection: 'close' }).end(body)
}
