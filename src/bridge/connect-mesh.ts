/** The page's mirror of a Mesh that runs in a worker: same interface; `state`, `peers`, `peer` and `vip` are synchronous from the newest snapshot. */
import type { FilesApi, HandleOptions, Mesh, MeshEvents, MeshState, PolicyApi } from '../core/mesh.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import { throwIfAborted } from '../shared/async.ts'
import { createBus } from '../shared/bus.ts'
import type { Clock } from '../shared/clock.ts'
import { errorToWire, MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Carrier, CHANNEL } from './carrier.ts'
import { LONG_CALL_TIMEOUT } from './limits.ts'
import { connectLink, type Link } from './link.ts'
import type { MeshApi, Push, PushAck } from './mesh-api.ts'
import { connectStream } from './stream.ts'

export interface ConnectMeshOptions {
  readonly clock: Clock
  readonly log: Log
}

type Serve = (stream: PeerStream) => void | Promise<void>

/** Resolves with the first snapshot. `close()` ends this mirror and the carrier; the mesh in the worker goes on for the other pages. */
export async function connectMesh(carrier: Carrier, { clock, log }: ConnectMeshOptions): Promise<Mesh> {
  const gone = carrier.signal
  const bus = createBus<MeshEvents>({ onError: (type) => log('bridge.listener.threw', { type }, 'error') })
  const link = connectLink<MeshApi>(carrier.channel(CHANNEL.mesh), { clock, gone })
  const handlers = new Map<number, Serve>()
  let state: MeshState | undefined
  const push = carrier.channel(CHANNEL.push)
  push.listen((raw) => {
    const message = raw as Push
    if (message.t === 'event') {
      if (message.event.type === 'statechange') state = message.event.detail
      push.post({ ack: message.n } satisfies PushAck)
      return bus.emit(message.event.type, message.event.detail as never)
    }
    const stream = connectStream(carrier.channel(message.channel), message.meta, gone)
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
    async open(peer, protocol, { signal, direct = false } = {}) {
      throwIfAborted(signal)
      const channel = carrier.allocate()
      // Made before the call: the first bytes may be on their way when the answer is, and a stream that opens too late is aborted through it.
      const port = carrier.channel(channel)
      try {
        return connectStream(port, await link.call('open', [channel, peer, protocol, direct], { signal }), gone)
      } catch (error) {
        connectStream(port, { peer, protocol, path: 'relayed' }, gone).abort(error)
        throw error
      }
    },
    handle: (protocol, serve, options) => register(link, handlers, carrier.allocate(), protocol, serve, options),
    send: (peer, topic, data, { signal } = {}) => link.call('send', [peer, topic, data], { signal }),
    ping: (peer, { signal } = {}) => link.call('ping', [peer], { signal }),
    rename: (name, peer) => link.call('rename', [name, peer]),
    addEventListener(type, listen, { signal } = {}) {
      bus.on(type, (detail) => listen({ type, detail }), { signal: signal ? AbortSignal.any([signal, gone]) : gone })
    },
    async close() {
      carrier.end(new MeshError('CLOSED', 'the mesh was closed'))
    },
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
    log('bridge.handler.failed', { protocol: stream.protocol, code: errorToWire(error).code }, 'warn')
    stream.abort(toMeshError(error))
  })
}

function filesOf(link: Link<MeshApi>): FilesApi {
  const long = { ms: LONG_CALL_TIMEOUT }
  return {
    // A File crosses as a handle; its bytes are read where the mesh runs.
    offer: (peer, source, { name = source.name, signal } = {}) => link.call('offer', [peer, source, name], { ...long, signal }),
    accept: (id) => link.call('accept', [id], long),
    decline: (id) => link.call('decline', [id]),
    cancel: (id) => link.call('cancel', [id], long),
    open: (id) => link.call('openFile', [id], long),
    remove: (id) => link.call('removeFile', [id], long),
  }
}

function policyOf(link: Link<MeshApi>): PolicyApi {
  return {
    rows: () => link.call('rows', []),
    put: (row) => link.call('putRow', [row]),
    remove: (id) => link.call('removeRow', [id]),
  }
}
