/** The one table of the local API: every request, what it may take, and what it does. Must name no call that its parser does not know. */
import type { Grant } from '../../src/core/access.ts'
import { callMeshes, isMeshesCall, type MeshesCall, takesSignal } from '../../src/core/meshes-calls.ts'
import { fromBase64url } from '../../src/shared/bytes.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { CALL_TIMEOUT, FETCH_CALL, LONG_CALL, READ_CALL } from './limits.ts'
import { eventLines, serveLines, topicLines } from './lines.ts'
import { openSource } from './open-source.ts'
import type { LocalApiParts } from './protocol.ts'
import { MESHES_REQUESTS, parseMeshesRequest, parseRequest } from './requests.ts'

export interface Call {
  /** ms; a stream of lines or bytes has none once it flows. */
  readonly deadline: number
  /** A Blob is answered as its bytes, a Response as its body, an AsyncIterable as lines, anything else as JSON. `signal` fires when the caller hangs up, and before an answer at the deadline. */
  run(parts: LocalApiParts, body: unknown, signal: AbortSignal): unknown
}

const quick = (run: Call['run']): Call => ({ deadline: CALL_TIMEOUT, run })
const slow = (run: Call['run']): Call => ({ deadline: LONG_CALL, run })

/** By method and path. */
export const CALLS: Readonly<Record<string, Call>> = {
  'GET /id': quick((parts) => parts.id()),
  'GET /peers': quick((parts) => parts.peers()),
  'GET /status': quick((parts) => parts.status()),
  'GET /state': quick(({ mesh }) => mesh.state),
  'GET /names': quick((parts) => parts.petnames()),
  'GET /events': quick((parts, _, signal) => eventLines(parts, signal)),
  'POST /ping': quick((parts, body, signal) => parts.ping(parseRequest('ping', body), signal)),
  'POST /log': quick((parts, body) => parts.setLevel(parseRequest('log', body))),
  'POST /why': quick(({ mesh }, body) => mesh.why(parseRequest('why', body).peer)),
  'POST /find': slow(({ mesh }, body, signal) => {
    const { peer, connect = false } = parseRequest('find', body)
    return mesh.find(peer, { connect, signal })
  }),
  'POST /send': quick(async ({ mesh }, body, signal) => {
    const request = parseRequest('send', body)
    return { id: await mesh.send(request.peer, request.topic, bodyOf(request), { signal }) }
  }),
  'POST /read': quick(async ({ mesh }, body) => {
    const { peer, message } = parseRequest('read', body)
    await mesh.read(peer, message)
    return {}
  }),
  'POST /rename': quick(async ({ mesh }, body) => {
    const { name, peer } = parseRequest('rename', body)
    await mesh.rename(name, peer)
    return {}
  }),
  'POST /publish': slow(async ({ mesh }, body) => {
    const request = parseRequest('publish', body)
    await mesh.publish(request.topic, bodyOf(request), request.mesh === undefined ? {} : { mesh: request.mesh })
    return {}
  }),
  'POST /subscribe': slow((parts, body, signal) => topicLines(parts, parseRequest('subscribe', body), signal)),
  'POST /serve': slow((parts, body, signal) => serveLines(parts, parseRequest('serve', body), signal)),
  'POST /fetch': {
    deadline: FETCH_CALL,
    run({ mesh }, body, signal) {
      const { url, method, fields, data } = parseRequest('fetch', body)
      const headers = (fields ?? []).map(([name, value]): [string, string] => [name, value])
      return mesh.fetch(url, { method, headers, signal, ...(data === undefined ? {} : { body: fromBase64url(data) }) })
    },
  },
  'GET /rows': quick(({ mesh }) => mesh.policy.rows()),
  // Checked where it becomes a row: the same rules for every way in.
  'POST /grant': quick(async ({ mesh }, body) => ({ id: await mesh.grant(body as Grant) })),
  'POST /revoke': quick(async ({ mesh }, body) => {
    await mesh.revoke(parseRequest('revoke', body).id)
    return {}
  }),
  'POST /explain': quick(({ mesh }, body) => {
    const { who, may, to } = parseRequest('explain', body)
    return mesh.explain(who, may, to)
  }),
  'POST /relays/add': quick(async ({ mesh }, body) => {
    await mesh.relays.add(parseRequest('relay', body).origin)
    return {}
  }),
  'POST /relays/remove': quick(async ({ mesh }, body) => {
    await mesh.relays.remove(parseRequest('relay', body).origin)
    return {}
  }),
  'POST /files/offer': slow(async ({ mesh }, body, signal) => {
    const request = parseRequest('offer', body)
    return { id: await mesh.files.offer(request.peer, await openSource(request), { signal }) }
  }),
  'POST /files/resume': {
    deadline: READ_CALL,
    async run({ mesh }, body) {
      const { id, path } = parseRequest('resume', body)
      await mesh.files.resume(id, path === undefined ? undefined : await openSource({ path }))
      return {}
    },
  },
  ...transferCalls(),
  'POST /files/content': quick(({ mesh }, body) => mesh.files.open(parseRequest('transfer', body).id)),
  ...meshesCalls(),
}

function transferCalls(): Readonly<Record<string, Call>> {
  const calls = (['accept', 'decline', 'cancel', 'pause', 'remove'] as const).map((name) => {
    const call = quick(async ({ mesh }, body) => {
      await mesh.files[name](parseRequest('transfer', body).id)
      return {}
    })
    return [`POST /files/${name}`, call] as const
  })
  return Object.fromEntries(calls)
}

function meshesCalls(): Readonly<Record<string, Call>> {
  const names = Object.keys(MESHES_REQUESTS).filter((name): name is MeshesCall => isMeshesCall(name))
  const calls = names.map((name) => {
    const call = slow(async ({ mesh }, body, signal) => {
      const args = parseMeshesRequest(name, body)
      return { value: await callMeshes(mesh.meshes, name, takesSignal(name) ? [...args, { signal }] : args) }
    })
    return [`POST /meshes/${name}`, call] as const
  })
  return Object.fromEntries(calls)
}

function bodyOf({ text, data }: { readonly text?: string; readonly data?: string }): string | Uint8Array<ArrayBuffer> {
  const body = text ?? fromBase64url(data ?? '')
  if (body === undefined || (text === undefined) === (data === undefined)) throw new MeshError('BAD_ARGUMENT', 'give text, or data in base64url')
  return body
}
