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
  let sent = false
  const finish = (error?: unknown) => {
    asked.signal?.removeEventListener('abort', onAbort)
    // Not before the answer is over: to many servers a half-close means that whoever asked went away.
    if (error === undefined && sent) stream.writable.close().catch(() => undefined)
    else stream.abort(error ?? new MeshError('CLOSED', 'the answer was over before the request'))
  }
  try {
    if (asked.signal?.aborted) throw new MeshError('ABORTED', 'the request was aborted')
    const source = createSource(stream.readable)
    const fault = Promise.withResolvers<never>()
    fault.promise.catch(() => undefined) // after the answer nobody asks
    void send(stream, asked, fault.reject).then((all) => (sent = all))
    const answer = withDeadline(clock, ANSWER_TIMEOUT, `an answer of ${asked.place.peer}`, asked.signal, () => readAnswer(source))
    const head = await Promise.race([answer, fault.promise])
    return toResponse(asked, head, source, finish)
  } catch (error) {
    finish(error)
    throw error
  }
}

async function openHttp(open: FetchParts['open'], asked: Asked, [id = '', ...others] = protocolsOf(asked.place.name)): Promise<PeerStream> {
  try {
    return await open(asked.place.peer, id, { signal: asked.signal })
  } catch (error) {
    if (codeOf(error) !== 'UNKNOWN_PROTOCOL' || others.length === 0) throw error
    return openHttp(open, asked, others)
  }
}

/** Resolves to whether all was sent. `fault` hears what is wrong with the request itself; a stream that fails is for who reads the answer, which may have come before. */
async function send(stream: PeerStream, { method, place, fields, body }: Asked, fault: (error: unknown) => void): Promise<boolean> {
  const writer = stream.writable.getWriter()
  try {
    const framing: Field[] = !body ? [] : body.length === undefined ? [['Transfer-Encoding', 'chunked']] : [['Content-Length', String(body.length)]]
    const head: Field[] = [['Host', hostOf(place.peer, place.name)], ...fields, ...framing, ['Connection', 'close']]
    await writer.write(encodeHead(requestLine(method, place.target), head))
    if (body) await writeBody(writer, body.stream(), body.length ?? 'chunked')
    return true
  } catch (error) {
    // Null once the stream has failed.
    if (writer.desiredSize !== null) fault(error)
    return false
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
