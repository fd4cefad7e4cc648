/** The command line's end of the local API: finds socket and token under the data directory. */
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import type { Decision, Grant, PolicyRow } from '../../src/core/access.ts'
import type { PeerPlace } from '../../src/core/find.ts'
import type { MeshState, PathWhy, PeerInfo, RelaysApi } from '../../src/core/mesh.ts'
import type { MeshesApi } from '../../src/core/meshes.ts'
import { forwardMeshes, takesSignal } from '../../src/core/meshes-calls.ts'
import { abortError } from '../../src/shared/async.ts'
import { toBase64url } from '../../src/shared/bytes.ts'
import { errorFromWire, MeshError } from '../../src/shared/errors.ts'
import { ALIVE_TIMEOUT, ANSWER_GRACE, CALL_TIMEOUT, CONTENT_STALL, FETCH_CALL, LONG_CALL, MAX_ANSWER, MAX_FETCHED, READ_CALL } from './limits.ts'
import {
  FETCHED,
  type FetchedHead,
  type IdAnswer,
  LOCAL_HOST,
  type LocalEvent,
  localPaths,
  type PingAnswer,
  type ServeLine,
  type StatusAnswer,
  type TopicLine,
} from './protocol.ts'
import { readJson, readLines } from './read-answer.ts'
import type { RequestOf } from './requests.ts'

export interface LocalFiles {
  /** A file of this computer, by its absolute path. Resolves with the transfer's id once it is offered. */
  offer(request: RequestOf<'offer'>, signal?: AbortSignal): Promise<string>
  accept(id: string): Promise<void>
  decline(id: string): Promise<void>
  cancel(id: string): Promise<void>
  pause(id: string): Promise<void>
  /** `path` where the transfer needs its file again. */
  resume(request: RequestOf<'resume'>, signal?: AbortSignal): Promise<void>
  remove(id: string): Promise<void>
  /** The received bytes; the caller reads them to the end or destroys the stream. */
  content(id: string, signal: AbortSignal): Promise<IncomingMessage>
}

export interface LocalClient {
  id(): Promise<IdAnswer>
  peers(): Promise<readonly PeerInfo[]>
  status(): Promise<StatusAnswer>
  ping(request: RequestOf<'ping'>): Promise<PingAnswer>
  setLevel(request: RequestOf<'log'>): Promise<StatusAnswer['levels']>
  state(): Promise<MeshState>
  /** My own names for others, by PeerID. */
  names(): Promise<Readonly<Record<string, string>>>
  why(peer: string): Promise<PathWhy>
  find(request: RequestOf<'find'>, signal: AbortSignal): Promise<readonly PeerPlace[]>
  send(peer: string, topic: string, text: string): Promise<string>
  read(peer: string): Promise<void>
  rename(name: string, peer?: string): Promise<void>
  publish(topic: string, data: Uint8Array, mesh?: string): Promise<void>
  rows(): Promise<readonly PolicyRow[]>
  grant(grant: Grant): Promise<string>
  revoke(id: string): Promise<void>
  explain(who: string, may: string, to?: string): Promise<Decision>
  readonly relays: RelaysApi
  readonly meshes: MeshesApi
  readonly files: LocalFiles
  /** The snapshot first. Ends with the signal, throws when the peer is gone. */
  events(signal: AbortSignal): AsyncIterable<LocalEvent>
  subscribe(request: RequestOf<'subscribe'>, signal: AbortSignal): AsyncIterable<TopicLine>
  /** A folder, until the signal. */
  serve(request: RequestOf<'serve'>, signal: AbortSignal): AsyncIterable<ServeLine>
  /** The caller reads the body to the end or destroys it. */
  fetch(request: RequestOf<'fetch'>, signal: AbortSignal): Promise<{ readonly head: FetchedHead; readonly body: IncomingMessage }>
}

/** Each call fails with NOT_RUNNING when no peer answers there, PERMISSION_DENIED when it belongs to another user, or the peer's own code. */
export function createLocalClient(dataDir: string): LocalClient {
  // The answers come from our own program behind an owner-only socket: the shapes are taken as they are.
  const call = async <T>(method: 'GET' | 'POST', path: string, body?: unknown, within: Waiting = {}) =>
    (await readJson(await ask(dataDir, method, path, body, within), MAX_ANSWER)) as T
  const tell = async (path: string, body: unknown) => void (await call('POST', path, body))
  const long = { ms: LONG_CALL }
  const transfer = (name: string) => (id: string) => tell(`/files/${name}`, { id })
  return {
    id: () => call('GET', '/id'),
    peers: () => call('GET', '/peers'),
    status: () => call('GET', '/status'),
    rows: () => call('GET', '/rows'),
    grant: async (body) => (await call<{ id: string }>('POST', '/grant', body)).id,
    revoke: (id) => tell('/revoke', { id }),
    explain: (who, may, to) => call('POST', '/explain', { who, may, ...(to === undefined ? {} : { to }) }),
    ping: (body) => call('POST', '/ping', body),
    setLevel: (body) => call('POST', '/log', body),
    state: () => call('GET', '/state'),
    names: () => call('GET', '/names'),
    why: (peer) => call('POST', '/why', { peer }),
    find: (body, signal) => call('POST', '/find', body, { ...long, signal }),
    send: async (peer, topic, text) => (await call<{ readonly id: string }>('POST', '/send', { peer, topic, text })).id,
    read: (peer) => tell('/read', { peer }),
    rename: (name, peer) => tell('/rename', { name, peer }),
    publish: async (topic, data, mesh) => void (await call('POST', '/publish', { topic, data: toBase64url(data), mesh }, long)),
    relays: { add: (origin) => tell('/relays/add', { origin }), remove: (origin) => tell('/relays/remove', { origin }) },
    meshes: forwardMeshes(async (name, args) => {
      const options = takesSignal(name) && typeof args.at(-1) === 'object' ? (args.at(-1) as { readonly signal?: AbortSignal }) : undefined
      const plain = options ? args.slice(0, -1) : args
      return (await call<{ readonly value?: unknown }>('POST', `/meshes/${name}`, { args: plain }, { ...long, signal: options?.signal })).value
    }),
    files: {
      offer: async (body, signal) => (await call<{ readonly id: string }>('POST', '/files/offer', body, { ...long, signal })).id,
      accept: transfer('accept'),
      decline: transfer('decline'),
      cancel: transfer('cancel'),
      pause: transfer('pause'),
      resume: async (body, signal) => void (await call('POST', '/files/resume', body, { ms: READ_CALL, signal })),
      remove: transfer('remove'),
      content: (id, signal) => ask(dataDir, 'POST', '/files/content', { id }, { ms: CONTENT_STALL, signal }),
    },
    async *events(signal) {
      yield* readLines(await ask(dataDir, 'GET', '/events', undefined, { ms: ALIVE_TIMEOUT, signal }), signal) as AsyncIterable<LocalEvent>
    },
    async *subscribe(body, signal) {
      yield* readLines(await ask(dataDir, 'POST', '/subscribe', body, { ms: LONG_CALL, signal }), signal) as AsyncIterable<TopicLine>
    },
    async *serve(body, signal) {
      yield* readLines(await ask(dataDir, 'POST', '/serve', body, { ms: LONG_CALL, signal }), signal) as AsyncIterable<ServeLine>
    },
    async fetch(request, signal) {
      const body = await ask(dataDir, 'POST', '/fetch', request, { ms: FETCH_CALL, signal })
      return { head: JSON.parse(Buffer.from(String(body.headers[FETCHED]), 'base64url').toString('utf8')) as FetchedHead, body }
    },
  }
}

interface Waiting {
  /** Without a byte until it is given up; default CALL_TIMEOUT. */
  readonly ms?: number
  readonly signal?: AbortSignal | undefined
}

/** Resolves with the head of the answer. Rejects with the peer's code when it is no success. */
function ask(dataDir: string, method: string, path: string, body: unknown, { ms = CALL_TIMEOUT, signal }: Waiting): Promise<IncomingMessage> {
  const { socket, token } = localPaths(dataDir)
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(signal?.aborted ? abortError(signal) : toSentence(error, dataDir))
    const text = body === undefined ? undefined : JSON.stringify(body)
    let secret: string
    try {
      secret = readFileSync(token, 'utf8')
    } catch (error) {
      return fail(error)
    }
    const headers = {
      host: LOCAL_HOST,
      authorization: `Bearer ${secret}`,
      ...(text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
    }
    const timeout = ms + ANSWER_GRACE
    const outgoing = request(
      { socketPath: socket, path, method, headers, timeout, agent: false, maxHeaderSize: MAX_FETCHED, ...(signal ? { signal } : {}) },
      (incoming) => {
        // What breaks later is told to whoever reads the body.
        if (incoming.statusCode === 200) return resolve(incoming)
        readJson(incoming, MAX_ANSWER).then((value) => reject(errorFromWire((value as { error?: unknown }).error)), fail)
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new MeshError('TIMEOUT', `the peer gave no answer in ${timeout} ms`)))
    outgoing.on('error', fail)
    outgoing.end(text)
  })
}

function toSentence(error: unknown, dataDir: string): MeshError {
  if (error instanceof MeshError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    const start = `Start one with: npx dmesh relay --data-dir ${dataDir}, or a terminal peer with: npx dmesh up --data-dir ${dataDir}`
    return new MeshError('NOT_RUNNING', `No relay or peer runs with ${dataDir}. ${start}`, { cause: error })
  }
  if (code === 'EACCES')
    return new MeshError('PERMISSION_DENIED', `The peer in ${dataDir} belongs to another user. Run this command as that user.`, { cause: error })
  return new MeshError('NOT_RUNNING', `The peer in ${dataDir} does not answer (${code ?? String(error)}).`, { cause: error })
}
