/** Serves requests on a mesh stream, one after the other (RFC 9112), to a handler in the shape of Hono, Workers and Deno. Must never let what one request left behind be read as the next. */
import type { HttpApi, ServeHandler } from '../../core/http.ts'
import type { HttpGround } from '../../core/mesh.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import { withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { drain, type Pull, readBody, toStream, writeBody } from './body.ts'
import { HANDLER_TIMEOUT, HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER, MAX_HEAD, MAX_REQUESTS, MAX_UNREAD } from './limits.ts'
import { checkName, hostOf, protocolsOf } from './place.ts'
import { createSource, type Source } from './source.ts'
import {
  encodeHead,
  type Field,
  type Framing,
  HOP_BY_HOP,
  HttpError,
  hasOption,
  latin1Bytes,
  parseRequestHead,
  type RequestHead,
  requestFraming,
  statusLine,
  toHeaders,
  valuesOf,
} from './wire.ts'

export interface ServeParts extends HttpGround {
  readonly clock: Clock
  readonly log: Log
}

export function createServe(parts: ServeParts): HttpApi['serve'] {
  return async (handler, { name = '', signal, allow = 'members' } = {}) => {
    if (name) checkName(name)
    for (const id of protocolsOf(name)) {
      await parts.handle(id, (stream) => serveStream({ parts, handler, host: hostOf(parts.peer, name), stream }), { signal, allow })
    }
  }
}

interface Visit {
  readonly parts: ServeParts
  readonly handler: ServeHandler
  /** Ours, for requests that name none. */
  readonly host: string
  readonly stream: PeerStream
}

interface Exchange extends Visit {
  readonly writer: WritableStreamDefaultWriter<Uint8Array>
  readonly head: RequestHead
  /** Of its content. */
  readonly framing: Framing
  readonly pull: Pull
  readonly gone: AbortSignal
}

async function serveStream(visit: Visit): Promise<void> {
  const { parts, stream } = visit
  const source = createSource(stream.readable)
  const writer = stream.writable.getWriter()
  const gone = new AbortController()
  stream.closed.catch((error: unknown) => gone.abort(error))
  try {
    for (let served = 0; served < MAX_REQUESTS; served++) {
      const ms = served === 0 ? HEAD_TIMEOUT : IDLE_TIMEOUT
      const head = await readHead(source, parts.clock, ms)
      if (!head) break
      const framing = requestFraming(head)
      const pull = readBody(source, framing)
      if (!(await answer({ ...visit, writer, head, framing, pull: asked100(head, pull, writer), gone: gone.signal }, pull))) break
    }
  } catch (error) {
    if (!(error instanceof HttpError) && codeOf(error) !== 'TIMEOUT') throw error
    const status = error instanceof HttpError ? error.status : 408
    await plain(writer, status, (error as Error).message)
  } finally {
    gone.abort(new MeshError('CLOSED', 'the stream is over'))
  }
  await writer.close()
  // What still comes is read away for a while: a reset could overtake the answer.
  await readAway(parts.clock, () => source.some(MAX_UNREAD))
  await source.cancel(new MeshError('CLOSED', 'the exchange is over'))
}

/** False when there is too much of it, when it takes too long or is wrong: nothing that comes behind it can be trusted. */
function readAway(clock: Clock, rest: Pull): Promise<boolean> {
  return withDeadline(clock, LINGER, 'the rest of a request', undefined, () => drain(rest, MAX_UNREAD)).catch(() => false)
}

async function readHead(source: Source, clock: Clock, ms: number): Promise<RequestHead | undefined> {
  const text = await withDeadline(clock, ms, 'a request', undefined, () => source.head(MAX_HEAD))
  return text === undefined ? undefined : parseRequestHead(text)
}

/** Who waits for a go-ahead gets it when the handler wants the body (RFC 9110 §10.1.1). */
function asked100(head: RequestHead, pull: Pull, writer: Exchange['writer']): Pull {
  let asked = head.version === '1.1' && hasOption(head.fields, 'expect', '100-continue')
  return async () => {
    if (asked) await writer.write(latin1Bytes('HTTP/1.1 100 Continue\r\n\r\n'))
    asked = false
    return pull()
  }
}

/** True when the stream may carry another request. */
async function answer(exchange: Exchange, rest: Pull): Promise<boolean> {
  const { head, writer } = exchange
  const response = await respond(exchange)
  const bare = head.method === 'HEAD' || response.status === 204 || response.status === 304
  const length = bare || !response.body ? 0 : lengthOf(response)
  const chunked = length === undefined && head.version === '1.1'
  const last = head.version === '1.0' || hasOption(head.fields, 'connection', 'close') || (length === undefined && !chunked)
  const framing: Framing = length ?? (chunked ? 'chunked' : 'until end')
  await writer.write(
    encodeHead(statusLine(response.status, response.statusText), fieldsOf(response, { bare, framing, last, now: exchange.parts.clock.now() })),
  )
  if (bare) await response.body?.cancel()
  else if (response.body) await writeBody(writer, response.body, framing)
  return !last && (await readAway(exchange.parts.clock, rest))
}

async function respond(exchange: Exchange): Promise<Response> {
  const { parts, handler, stream, head } = exchange
  const request = toRequest(exchange)
  try {
    const run = async () => handler.fetch(request, { peer: stream.peer })
    const response = await withDeadline(parts.clock, HANDLER_TIMEOUT, 'the handler', exchange.gone, run)
    if (response.status < 200 || response.status > 599) throw new MeshError('BAD_ARGUMENT', `a handler answers 200 to 599, not ${response.status}`)
    return response
  } catch (error) {
    if (exchange.gone.aborted || error instanceof HttpError) throw error
    parts.log(
      'http.handler.failed',
      { peer: stream.peer, method: head.method, code: codeOf(error), message: String((error as Error)?.message ?? error).slice(0, 200) },
      'warn',
    )
    return codeOf(error) === 'TIMEOUT'
      ? new Response('The site did not answer in time.\n', { status: 504 })
      : new Response('The site failed.\n', { status: 500 })
  }
}

/** HttpError for a target that is no path, or a method that a Request cannot have. */
function toRequest({ head, framing, host, pull, gone }: Exchange): Request {
  const { method, target, fields } = head
  if (/^(CONNECT|TRACE|TRACK)$/i.test(method)) throw new HttpError(501, `${method} is not served`)
  const base = `http://${valuesOf(fields, 'host')[0] || host}`
  const url = target === '*' ? `${base}/` : target.startsWith('/') ? `${base}${target}` : target
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new HttpError(400, 'not the address of something here')
  const body = method === 'GET' || method === 'HEAD' || framing === 0 ? undefined : toStream(pull, () => undefined)
  const headers = toHeaders(fields)
  const init: RequestInit & { duplex: 'half' } = { method, headers, body, signal: gone, duplex: 'half' }
  // The platform hides some fields (Cookie, Origin) in a Request that a script makes; here they are the visitor's own.
  return Object.defineProperty(new Request(url, init), 'headers', { value: headers })
}

/** Undefined where it shows only at the end. */
function lengthOf(response: Response): number | undefined {
  const text = response.headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

interface Travel {
  /** No content follows, whatever its fields say. */
  readonly bare: boolean
  readonly framing: Framing
  readonly last: boolean
  readonly now: number
}

function fieldsOf(response: Response, { bare, framing, last, now }: Travel): Field[] {
  const kept: Field[] = [...response.headers].filter(([name]) => !HOP_BY_HOP.has(name) && (bare || name !== 'content-length'))
  if (!response.headers.has('date')) kept.push(['Date', new Date(now).toUTCString()])
  if (!bare && framing !== 'until end') kept.push(framing === 'chunked' ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(framing)])
  if (last) kept.push(['Connection', 'close'])
  return kept
}

async function plain(writer: Exchange['writer'], status: number, why: string): Promise<void> {
  const text = new TextEncoder().encode(`${why}\n`)
  const fields: Field[] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(text.byteLength)],
    ['Connection', 'close'],
  ]
  await writer.write(encodeHead(statusLine(status, ''), fields))
  await writer.write(text)
}
