/** The page's mirror of a Mesh that runs in a worker: same interface; `state`, `peers`, `peer` and `vip` are synchronous from the newest snapshot. */
import type {
  FilesApi,
  HandleOptions,
  Mesh,
  MeshEvents,
  MeshGround,
  MeshState,
  PeerInfo,
  PolicyApi,
  Publication,
  TopicOptions,
} from '../core/mesh.ts'
import { forwardMeshes, takesSignal } from '../core/meshes-calls.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import type { Port } from '../core/port.ts'
import { throwIfAborted } from '../shared/async.ts'
import { createBus } from '../shared/bus.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import { type Log, levelOf } from '../shared/log.ts'
import { type Carrier, CHANNEL } from './carrier.ts'
import { gathered, preceded } from './gather.ts'
import { LONG_CALL_TIMEOUT, MAX_AGREED, READ_CALL_TIMEOUT } from './limits.ts'
import { connectLink, type Link } from './link.ts'
import type { FromPage, MeshApi, PublicationPush, Push } from './mesh-api.ts'
import { connectStream } from './stream.ts'

export interface ConnectMeshOptions {
  readonly clock: Clock
  readonly log: Log
}

type Serve = (stream: PeerStream) => void | Promise<void>

/** Resolves with the first snapshot. `close()` ends this mirror and the carrier; the mesh in the worker goes on for the other pages. */
export async function connectMesh(carrier: Carrier, { clock, log }: ConnectMeshOptions): Promise<MeshGround> {
  const gone = carrier.signal
  const bus = createBus<MeshEvents>({ onError: (type) => log('bridge.listener.threw', { type }, 'error') })
  const link = connectLink<MeshApi>(carrier.channel(CHANNEL.mesh), { clock, gone })
  const handlers = new Map<number, Serve>()
  const topics = createTopics(link, carrier)
  let state: MeshState | undefined
  const push = carrier.channel(CHANNEL.push)
  push.listen((raw) => {
    const message = raw as Push
    if (message.t === 'event') {
      if (message.event.type === 'statechange') state = message.event.detail
      push.post({ t: 'ack', n: message.n } satisfies FromPage)
      if (message.event.type === 'publication') return topics.tell(message.event.detail, log)
      return bus.emit(message.event.type, message.event.detail as never)
    }
    const stream = connectStream(preceded(carrier.channel(message.channel), message.first), message.meta, gone)
    runHandler(handlers.get(message.handler), stream, log)
  })
  const first = await link.call('hello', [])
  state ??= first.state
  const current = (): MeshState => (gone.aborted ? { ...(state as MeshState), status: 'stopped' } : (state as MeshState))
  return {
    peer: first.peer,
    vip: first.vip,
    get state() {
      return current()
    },
    get peers() {
      return current().peers
    },
    files: filesOf(link),
    policy: policyOf(link),
    grant: (grant) => link.call('grant', [grant]),
    revoke: (id) => link.call('revoke', [id]),
    explain: (who, may, to) => link.call('explain', [who, may, to]),
    relays: { add: (origin) => link.call('addRelay', [origin]), remove: (origin) => link.call('removeRelay', [origin]) },
    why: (peer) => link.call('why', [peer]),
    meshes: meshesOf(link),
    open: opener(carrier, link, push, (peer) => current().peers.find(({ id }) => id === peer)?.path),
    handle: (protocol, serve, options) => register(link, handlers, carrier.allocate(), protocol, serve, options),
    send: (peer, topic, data, { signal } = {}) => link.call('send', [peer, topic, data], { signal }),
    read: (peer, messageId) => link.call('read', [peer, messageId]),
    configure: (settings) => link.call('configure', [settings]),
    publish: topics.publish,
    subscribe: topics.subscribe,
    ping: (peer, { signal } = {}) => link.call('ping', [peer], { signal }),
    find: (peer, { signal, connect = false } = {}) => link.call('find', [peer, connect], { signal }),
    rename: (name, peer) => link.call('rename', [name, peer]),
    addEventListener(type, listen, { signal } = {}) {
      bus.on(type, (detail) => listen({ type, detail }), { signal: signal ? AbortSignal.any([signal, gone]) : gone })
    },
    async close() {
      carrier.end(new MeshError('CLOSED', 'the mesh was closed'))
    },
  }
}

/** Waits for the worker, but not for the next stream of a protocol that a peer who is here has agreed to: such a stream is given at once, and what fails behind it is told by the stream. */
function opener(carrier: Carrier, link: Link<MeshApi>, push: Port, pathTo: (peer: string) => PeerInfo['path'] | undefined): Mesh['open'] {
  const agreed = new Set<string>()
  const gone = carrier.signal
  const forget = (key: string) => (error: unknown) => {
    if (['UNKNOWN_PROTOCOL', 'PEER_UNREACHABLE'].includes(codeOf(error))) agreed.delete(key)
  }
  const early = (peer: string, protocol: string, path: PeerStream['path']): PeerStream => {
    const channel = carrier.allocate()
    const port = gathered(carrier.channel(channel), (first, transfer) =>
      push.post({ t: 'open', channel, peer, protocol, first } satisfies FromPage, transfer),
    )
    return connectStream(port, { peer, protocol, path }, gone)
  }
  return async (peer, protocol, { signal, direct = false } = {}) => {
    throwIfAborted(signal)
    const key = `${peer} ${protocol}`
    const path = pathTo(peer)
    const known = !direct && agreed.has(key) && path !== undefined && path !== 'away'
    const stream = known ? early(peer, protocol, path) : await waited(carrier, link, [peer, protocol, direct], signal)
    if (agreed.size < MAX_AGREED) agreed.add(key)
    stream.closed.catch(forget(key))
    return stream
  }
}

async function waited(
  carrier: Carrier,
  link: Link<MeshApi>,
  [peer, protocol, direct]: readonly [string, string, boolean],
  signal: AbortSignal | undefined,
): Promise<PeerStream> {
  const channel = carrier.allocate()
  // Made before the call: a stream that opens too late is aborted through it.
  const port = carrier.channel(channel)
  try {
    return connectStream(port, await link.call('open', [channel, peer, protocol, direct], { signal }), carrier.signal)
  } catch (error) {
    connectStream(port, { peer, protocol, path: 'relayed' }, carrier.signal).abort(error)
    throw error
  }
}

async function register(
  link: Link<MeshApi>,
  handlers: Map<number, Serve>,
  handler: number,
  protocol: string,
  serve: Serve,
  { signal, allow }: HandleOptions = {},
): Promise<void> {
  throwIfAborted(signal)
  handlers.set(handler, serve)
  const remove = () => {
    handlers.delete(handler)
    link.call('unhandle', [handler]).catch(() => undefined)
  }
  await link.call('handle', [handler, protocol, allow], { signal }).catch((error: unknown) => {
    handlers.delete(handler)
    throw error
  })
  signal?.addEventListener('abort', remove, { once: true })
  if (signal?.aborted) remove()
}

function runHandler(serve: Serve | undefined, stream: PeerStream, log: Log): void {
  const run = async () => {
    if (!serve) throw new MeshError('UNKNOWN_PROTOCOL', 'the handler was removed')
    await serve(stream)
  }
  run().catch((error: unknown) => {
    log('bridge.handler.failed', { protocol: stream.protocol, code: codeOf(error) }, levelOf(error))
    stream.abort(toMeshError(error))
  })
}

/** Subscribers by number, as the worker knows them. */
function createTopics(link: Link<MeshApi>, carrier: Carrier) {
  const subscribers = new Map<number, (publication: Publication) => void>()
  return {
    publish: (topic: string, data: string | Uint8Array<ArrayBuffer>, { mesh }: TopicOptions = {}) => link.call('publish', [topic, data, mesh]),
    async subscribe(...[topic, listen, { mesh, signal } = {}]: Parameters<Mesh['subscribe']>) {
      throwIfAborted(signal)
      const subscriber = carrier.allocate()
      subscribers.set(subscriber, listen)
      const remove = () => {
        subscribers.delete(subscriber)
        link.call('unsubscribe', [subscriber]).catch(() => undefined)
      }
      await link.call('subscribe', [subscriber, topic, mesh], { signal }).catch((error: unknown) => {
        remove() // it may have been on its way
        throw error
      })
      signal?.addEventListener('abort', remove, { once: true })
      if (signal?.aborted) remove()
    },
    tell({ subscriber, ...publication }: PublicationPush['detail'], log: Log) {
      try {
        subscribers.get(subscriber)?.(publication)
      } catch (error) {
        log('bridge.listener.threw', { type: 'publication', code: codeOf(error) }, 'error')
      }
    },
  }
}

function filesOf(link: Link<MeshApi>): FilesApi {
  const long = { ms: LONG_CALL_TIMEOUT }
  return {
    // A File crosses as a handle; its bytes are read where the mesh runs.
    offer: (peer, source, { name = source.name, signal } = {}) => link.call('offer', [peer, source, name], { ...long, signal }),
    accept: (id) => link.call('accept', [id], long),
    decline: (id) => link.call('decline', [id]),
    cancel: (id) => link.call('cancel', [id], long),
    pause: (id) => link.call('pause', [id], long),
    resume: (id, source) => link.call('resume', [id, source], { ms: READ_CALL_TIMEOUT }),
    open: (id) => link.call('openFile', [id], long),
    remove: (id) => link.call('removeFile', [id], long),
  }
}

function meshesOf(link: Link<MeshApi>): Mesh['meshes'] {
  return forwardMeshes((name, args) => {
    if (!takesSignal(name)) return link.call('meshes', [name, args], { ms: LONG_CALL_TIMEOUT })
    const { signal, ...options } = (args[1] ?? {}) as { signal?: AbortSignal }
    return link.call('meshes', [name, [args[0], options]], { ms: LONG_CALL_TIMEOUT, signal })
  })
}

function policyOf(link: Link<MeshApi>): PolicyApi {
  return {
    rows: () => link.call('rows', []),
    put: (row) => link.call('putRow', [row]),
    remove: (id) => link.call('removeRow', [id]),
  }
}
