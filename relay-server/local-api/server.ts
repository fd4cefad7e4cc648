/** The peer's end of the local API: a Unix socket 0600 in a 0700 directory, and a token on top, since some systems ignore the mode of a socket. No TCP, ever. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { abortable } from '../../src/shared/async.ts'
import { toBase64url } from '../../src/shared/bytes.ts'
import { errorToWire, MeshError, toMeshError } from '../../src/shared/errors.ts'
import type { Log } from '../../src/shared/log.ts'
import { CALLS, type Call } from './calls.ts'
import * as limits from './limits.ts'
import { FETCHED, type FetchedHead, LOCAL_HOST, type LocalApiParts, localPaths } from './protocol.ts'

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

async function onRequest(request: IncomingMessage, response: ServerResponse, parts: LocalApiParts, token: string, log: Log): Promise<void> {
  try {
    checkCaller(request, token)
    const name = `${request.method} ${request.url}`
    const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined
    if (!call) throw new MeshError('UNKNOWN_PROTOCOL', `the local API has no ${request.method} ${String(request.url).slice(0, 80)}`)
    const body = request.method === 'POST' ? await readBody(request) : undefined
    await answer(response, call, parts, body)
  } catch (error) {
    const { code } = toMeshError(error)
    if (code === 'INTERNAL') log('local-api.failed', { message: String(error).slice(0, 200) }, 'error')
    send(response, code === 'ACCESS_DENIED' ? 403 : code === 'INTERNAL' ? 500 : 400, { error: errorToWire(error) })
  }
}

async function answer(response: ServerResponse, call: Call, parts: LocalApiParts, body: unknown): Promise<void> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new MeshError('TIMEOUT', `no answer within ${call.deadline} ms`)), call.deadline)
  const signal = AbortSignal.any([late.signal, signalOf(response)])
  let value: unknown
  try {
    value = await abortable(Promise.resolve(call.run(parts, body, signal)), signal)
  } finally {
    clearTimeout(timer)
  }
  if (value instanceof Blob) return sendBytes(response, value.stream(), { 'content-length': value.size }, signal)
  if (value instanceof Response) return sendBytes(response, value.body ?? new Blob([]).stream(), { [FETCHED]: fetchedHead(value) }, signal)
  if (typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
    return sendLines(response, value as AsyncIterable<unknown>, signal)
  send(response, 200, value)
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

/** A failure after the start is the last line: `{ error }`. */
async function sendLines(response: ServerResponse, lines: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' })
  response.flushHeaders()
  try {
    for await (const line of lines) {
      const free = response.write(line === undefined ? '\n' : `${JSON.stringify(line)}\n`)
      // The reader may be slow for as long as it lives; what waits meanwhile is bounded by the lines themselves.
      if (!free) await once(response, 'drain', { signal })
    }
    response.end()
  } catch (error) {
    if (!response.destroyed) response.end(`${JSON.stringify({ error: errorToWire(error) })}\n`)
  }
}

function fetchedHead({ status, url, headers }: Response): string {
  return Buffer.from(JSON.stringify({ status, url, fields: [...headers] } satisfies FetchedHead)).toString('base64url')
}

async function sendBytes(
  response: ServerResponse,
  bytes: globalThis.ReadableStream,
  fields: OutgoingHttpHeaders,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close', ...fields })
  response.flushHeaders()
  response.setTimeout(limits.CONTENT_STALL, () => response.destroy())
  // A caller that counts the bytes knows when some are missing.
  await pipeline(Readable.fromWeb(bytes as ReadableStream), response, { signal }).catch(() => response.destroy())
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed || response.headersSent) return
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.byteLength, connection: 'close' }).end(body)
}
