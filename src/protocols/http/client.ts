/** fetch over mesh streams (Fetch standard, RFC 9112): one stream a request, which costs no round trip once the peer spoke HTTP, so none is kept. Must never send a request twice that may have been acted on. */
import type { HttpApi } from '../../core/http.ts'
import type { HttpGround } from '../../core/mesh.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import { withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { readBody, toStream, writeBody } from './body.ts'
import { ANSWER_TIMEOUT, MAX_HEAD, MAX_INTERIM, MAX_REDIRECTS } from './limits.ts'
import { hostOf, placeText, protocolsOf } from './place.ts'
import { type Asked, readRequest, redirected } from './request.ts'
import { createSource, type Source } from './source.ts'
import { encodeHead, type Field, parseResponseHead, type ResponseHead, requestLine, responseFraming, toHeaders } from './wire.ts'

export interface FetchParts extends Pick<HttpGround, 'open'> {
  readonly clock: Clock
}

export function createFetch(parts: FetchParts): HttpApi['fetch'] {
  return async (input, init) => {
    let asked = await readRequest(input, init)
    for (let hops = 0; ; hops++) {
      const response = await exchange(parts, asked)
      const next = redirected(asked, response)
      if (!next) return response
      await response.body?.cancel()
      if (hops >= MAX_REDIRECTS) throw new MeshError('LIMIT_REACHED', `more than ${MAX_REDIRECTS} redirects`)
      asked = next
    }
  }
}

/** One request, one answer, on a stream of its own. */
async function exchange({ open, clock }: FetchParts, asked: Asked): Promise<Response> {
  const stream = await openHttp(open, asked)
  const onAbort = () => stream.abort(asked.signal?.reason)
  asked.signal?.addEventListener('abort', onAbort, { once: true })
  const finish = (error?: unknown) => {
    asked.signal?.removeEventListener('abort', onAbort)
    // Not before the answer is over: to many servers a half-close means that whoever asked went away.
    if (error === undefined) stream.writable.close().catch(() => undefined)
    else stream.abort(error)
  }
  try {
    if (asked.signal?.aborted) throw new MeshError('ABORTED', 'the request was aborted')
    const source = createSource(stream.readable)
    // Whatever is wrong with it shows in the answer, or in its absence; a server may answer before it read everything.
    const sending = send(stream, asked)
    const failed = sending.then(() => new Promise<never>(() => undefined))
    const answer = withDeadline(clock, ANSWER_TIMEOUT, `an answer of ${asked.place.peer}`, asked.signal, () => readAnswer(source))
    const head = await Promise.race([answer, failed.catch((error: unknown) => settle(answer, error))])
    return toResponse(asked, head, source, finish)
  } catch (error) {
    finish(error)
    throw error
  }
}

/** The answer if there is one: it says more than a stream that was closed under a body. */
async function settle(answer: Promise<ResponseHead>, error: unknown): Promise<ResponseHead> {
  if (codeOf(error) === 'BAD_ARGUMENT') throw error
  return answer.catch((own: unknown) => {
    throw codeOf(own) === 'PATH_LOST' ? error : own
  })
}

async function openHttp(open: FetchParts['open'], { place, signal }: Asked): Promise<PeerStream> {
  const ids = protocolsOf(place.name)
  for (const [index, id] of ids.entries()) {
    try {
      return await open(place.peer, id, { signal })
    } catch (error) {
      if (codeOf(error) !== 'UNKNOWN_PROTOCOL' || index === ids.length - 1) throw error
    }
  }
  throw new MeshError('UNKNOWN_PROTOCOL', `${placeText(place)} serves nothing`)
}

async function send(stream: PeerStream, { method, place, fields, body }: Asked): Promise<void> {
  const writer = stream.writable.getWriter()
  try {
    const framing: Field[] = !body ? [] : body.length === undefined ? [['Transfer-Encoding', 'chunked']] : [['Content-Length', String(body.length)]]
    const head: Field[] = [['Host', hostOf(place.peer, place.name)], ...fields, ...framing, ['Connection', 'close']]
    await writer.write(encodeHead(requestLine(method, place.target), head))
    if (body) await writeBody(writer, body.stream(), body.length ?? 'chunked')
  } finally {
    writer.releaseLock()
  }
}

async function readAnswer(source: Source): Promise<ResponseHead> {
  for (let interim = 0; interim <= MAX_INTERIM; interim++) {
    const text = await source.head(MAX_HEAD)
    if (text === undefined) throw new MeshError('PATH_LOST', 'the stream ended without an answer')
    const head = parseResponseHead(text)
    if (head.status === 101) throw new MeshError('BAD_FRAME', 'the peer changes the protocol unasked')
    if (head.status >= 200) return head
  }
  throw new MeshError('BAD_FRAME', `more than ${MAX_INTERIM} interim answers`)
}

/** Statuses whose Response may have no body (Fetch standard §2.2.3). */
const NULL_BODY = new Set([204, 205, 304])

function toResponse({ place, method }: Asked, head: ResponseHead, source: Source, finish: (error?: unknown) => void): Response {
  const framing = responseFraming(head, method)
  const bare = framing === 0 || NULL_BODY.has(head.status)
  if (bare) finish()
  const headers = toHeaders(head.fields)
  const response = new Response(bare ? null : toStream(readBody(source, framing), finish), { status: head.status, statusText: head.reason, headers })
  // The platform hides some fields (Set-Cookie) in a Response that a script makes; here nobody but the caller sees them.
  return Object.defineProperties(response, { headers: { value: headers }, url: { value: placeText(place) } })
}
