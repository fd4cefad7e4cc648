/** What fetch was asked for, read from its arguments once, and what a redirect makes of it (Fetch standard §4.4). Must never let a redirect leave the peer. */
import { siteLabel } from '../../core/peer-id-text.ts'
import { MeshError } from '../../shared/errors.ts'
import { type Place, placeText, readPlace } from './place.ts'
import { type Field, HOP_BY_HOP } from './wire.ts'

export interface Asked {
  readonly place: Place
  readonly method: string
  readonly fields: readonly Field[]
  readonly body?: Content
  readonly signal?: AbortSignal
  readonly redirect: RequestRedirect
}

/** `length` in bytes where it is known before it is sent; `again` when it can be sent twice. */
export interface Content {
  stream(): ReadableStream<Uint8Array>
  readonly length?: number
  readonly again: boolean
}

/** Beside those, what the address and the body say. */
const OURS = new Set([...HOP_BY_HOP, 'content-length', 'host', 'expect'])

/** Methods that a Request cannot have (Fetch standard §2.2.1). */
const FORBIDDEN = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** BAD_ARGUMENT. */
export async function readRequest(input: string | URL | Request, init: RequestInit = {}): Promise<Asked> {
  const given = input instanceof Request ? input : undefined
  const method = normal(init.method ?? given?.method ?? 'GET')
  if (FORBIDDEN.has(method)) throw new MeshError('BAD_ARGUMENT', `fetch does not send ${method}`)
  const headers = new Headers(init.headers ?? given?.headers)
  const body = await contentOf(init.body, headers, given)
  if (body && (method === 'GET' || method === 'HEAD')) throw new MeshError('BAD_ARGUMENT', `a ${method} request has no body`)
  return {
    place: readPlace(given?.url ?? (input as string | URL)),
    method,
    fields: [...headers].filter(([name]) => !OURS.has(name)),
    body: body ?? (method === 'POST' || method === 'PUT' || method === 'PATCH' ? EMPTY : undefined),
    signal: init.signal ?? given?.signal ?? undefined,
    redirect: init.redirect ?? given?.redirect ?? 'follow',
  }
}

const EMPTY: Content = { stream: () => new Blob([]).stream(), length: 0, again: true }

/** Small letters of these alone are put right (Fetch standard §2.2.1). */
function normal(method: string): string {
  return /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method
}

async function contentOf(body: RequestInit['body'], headers: Headers, given: Request | undefined): Promise<Content | undefined> {
  const stream = body instanceof ReadableStream ? body : body === undefined ? given?.body : undefined
  if (stream) return { stream: () => stream as ReadableStream<Uint8Array>, again: false }
  if (body === undefined || body === null) return undefined
  // The platform knows how to write a form, a text or a blob, and what to call it.
  const typed = new Response(body as BodyInit)
  const type = typed.headers.get('content-type')
  if (type && !headers.has('content-type')) headers.set('content-type', type)
  const blob = body instanceof Blob ? body : await typed.blob()
  return { stream: () => blob.stream(), length: blob.size, again: true }
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** The request that follows, or undefined when this answer is the last. BAD_ARGUMENT when redirects are an error here, NOT_SUPPORTED for one that leaves the peer. */
export function redirected(asked: Asked, response: Response): Asked | undefined {
  const location = response.headers.get('location')
  if (!REDIRECTS.has(response.status) || location === null || asked.redirect === 'manual') return undefined
  const leave = (why: string) => {
    response.body?.cancel().catch(() => undefined)
    return new MeshError(asked.redirect === 'error' ? 'BAD_ARGUMENT' : 'NOT_SUPPORTED', why)
  }
  if (asked.redirect === 'error') throw leave('a redirect, which the request forbids')
  const place = follow(asked.place, location)
  if (!place) throw leave(`a redirect that leaves the peer: ${location.slice(0, 200)}`)
  const asGet = response.status === 303 ? asked.method !== 'HEAD' : (response.status === 301 || response.status === 302) && asked.method === 'POST'
  if (asGet) return { ...asked, place, method: 'GET', body: undefined, fields: asked.fields.filter(([name]) => !name.startsWith('content-')) }
  if (asked.body && !asked.body.again) throw leave('a redirect of a request whose body is a stream, which cannot be sent twice')
  return { ...asked, place }
}

/** Undefined for a place that is not this service. A server that does not know the mesh names itself by the Host it was asked for. */
function follow(place: Place, location: string): Place | undefined {
  const base = `http://${siteLabel(place.peer, place.name) ?? place.peer}.p2p`
  if (location.startsWith('dmesh:')) {
    const next = readPlace(location)
    return placeText({ ...next, target: '' }) === placeText({ ...place, target: '' }) ? next : undefined
  }
  if (!URL.canParse(location, `${base}${place.target}`)) return undefined
  const next = new URL(location, `${base}${place.target}`)
  return next.origin === new URL(base).origin ? { ...place, target: `${next.pathname}${next.search}` } : undefined
}
