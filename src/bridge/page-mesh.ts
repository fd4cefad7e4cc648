/** The Mesh a page keeps for as long as it lives, whatever happens to workers: mirrors the current one, waits for the next, registers handlers again. Calls that were on their way when a worker died fail with WORKER_GONE and are never repeated by itself. */
import { backoff } from '../core/backoff.ts'
import type { HttpApi } from '../core/http.ts'
import { lateCalls } from '../core/late-calls.ts'
import type { HandleOptions, HttpGround, Mesh, MeshEvents, MeshGround, MeshState } from '../core/mesh.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import { abortable, sleep, throwIfAborted, withDeadline } from '../shared/async.ts'
import { createBus } from '../shared/bus.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { RECONNECT_TIMEOUT } from './limits.ts'

export interface MeshSession {
  readonly mesh: MeshGround
  /** Fires when the worker is gone. */
  readonly gone: AbortSignal
}

export interface PageMeshParts {
  /** One try to reach a worker. */
  readonly connect: (signal: AbortSignal) => Promise<MeshSession>
  readonly clock: Clock
  readonly log: Log
  readonly http: (ground: HttpGround) => HttpApi
  /** [0, 1). */
  readonly random: () => number
}

interface Registered {
  readonly protocol: string
  readonly serve: (stream: PeerStream) => void | Promise<void>
  readonly options: HandleOptions
}

const EVENT_TYPES: readonly (keyof MeshEvents)[] = ['statechange', 'peerchange', 'message', 'messagechange', 'fileoffer', 'transferchange']

/** Rejects when the first try fails; after that it reconnects until a worker says UNKNOWN_VERSION, which then is what every call says. `close()` ends the page's part, not the mesh of other pages. */
export async function createPageMesh(parts: PageMeshParts): Promise<Mesh> {
  const { clock, log } = parts
  const stop = new AbortController()
  const bus = createBus<MeshEvents>({ onError: (type) => log('bridge.listener.threw', { type }, 'error') })
  const registered = new Set<Registered>()
  const subscribed = new Set<Parameters<Mesh['subscribe']>>()
  let session = await parts.connect(stop.signal)
  let ready: Promise<MeshSession> = Promise.resolve(session)
  let fatal: MeshError | undefined

  const follow = (next: MeshSession) => {
    session = next
    for (const type of EVENT_TYPES) next.mesh.addEventListener(type, ({ detail }) => bus.emit(type, detail as never))
    for (const entry of registered) restore(next.mesh, entry, log)
    for (const args of subscribed)
      next.mesh.subscribe(...args).catch((error: unknown) => log('bridge.topic.lost', { topic: args[0], code: toMeshError(error).code }, 'warn'))
    if (next.gone.aborted) onGone()
    else next.gone.addEventListener('abort', onGone, { once: true })
  }
  const onGone = () => {
    if (stop.signal.aborted) return
    log('bridge.worker.gone', { code: toMeshError(session.gone.reason).code }, 'warn')
    ready = reconnect(parts, stop.signal)
    ready.then(follow, (error: unknown) => {
      fatal = toMeshError(error)
      bus.emit('statechange', state())
    })
    bus.emit('statechange', state())
  }
  const state = (): MeshState => {
    const last = session.mesh.state
    if (stop.signal.aborted || fatal) return { ...last, status: 'stopped' }
    return session.gone.aborted ? { ...last, status: 'starting' } : last
  }
  const current = async (signal?: AbortSignal): Promise<MeshGround> => {
    throwIfAborted(stop.signal)
    if (!session.gone.aborted) return session.mesh
    try {
      return (await withDeadline(clock, RECONNECT_TIMEOUT, 'reaching the background part', signal, (own) => abortable(ready, own))).mesh
    } catch (cause) {
      throw signal?.aborted ? cause : (fatal ?? new MeshError('WORKER_GONE', 'no new worker came up', { cause }))
    }
  }
  follow(session)
  const { peer } = session.mesh
  const carried = lateCalls(current)
  const handle: Mesh['handle'] = async (protocol, serve, options = {}) => {
    const entry: Registered = { protocol, serve, options }
    await (await current(options.signal)).handle(protocol, serve, options)
    registered.add(entry)
    options.signal?.addEventListener('abort', () => registered.delete(entry), { once: true })
  }
  return {
    peer,
    vip: session.mesh.vip,
    get state() {
      return state()
    },
    get peers() {
      return state().peers
    },
    ...carried,
    ...parts.http({ peer, open: carried.open, handle }),
    handle,
    async subscribe(...args) {
      const { signal } = args[2] ?? {}
      await (await current(signal)).subscribe(...args)
      subscribed.add(args)
      signal?.addEventListener('abort', () => subscribed.delete(args), { once: true })
    },
    addEventListener(type, listen, { signal } = {}) {
      bus.on(type, (detail) => listen({ type, detail }), { signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal })
    },
    async close() {
      if (stop.signal.aborted) return
      stop.abort(new MeshError('CLOSED', 'the mesh was closed'))
      await session.mesh.close()
    },
  }
}

async function reconnect({ connect, clock, log, random }: PageMeshParts, signal: AbortSignal): Promise<MeshSession> {
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(signal)
    try {
      return await connect(signal)
    } catch (error) {
      // Only a reload of the page can help.
      if (toMeshError(error).code === 'UNKNOWN_VERSION') throw error
      log('bridge.reconnect.failed', { code: toMeshError(error).code, attempt }, 'warn')
      await sleep(clock, backoff(attempt + 1, random()), signal)
    }
  }
}

function restore(mesh: MeshGround, { protocol, serve, options }: Registered, log: Log): void {
  mesh.handle(protocol, serve, options).catch((error: unknown) => log('bridge.handler.lost', { protocol, code: toMeshError(error).code }, 'warn'))
}
