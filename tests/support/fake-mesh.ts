/** A Mesh without a network for tests of the bridge: streams opened to `peer` run into its own handlers, or into an echo. Runs in browsers too. */
import type { Mesh, MeshEvents, MeshState } from '../../src/core/mesh.ts'
import { forwardMeshes } from '../../src/core/meshes-calls.ts'
import type { PeerStream } from '../../src/core/peer-stream.ts'
import { createBus } from '../../src/shared/bus.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { createStreamPair } from './stream-pair.ts'

const NOT_HERE = async (): Promise<never> => {
  throw new MeshError('NOT_SUPPORTED', 'the fake mesh has no such part')
}

const FILES: Mesh['files'] = {
  // What a real one would read: proves that the bytes are reachable where the mesh runs.
  offer: async (_peer, source, options) => `${options?.name ?? source.name} ${source.size} ${await source.slice(0, 5).text()}`,
  open: async (id) => new Blob([`bytes of ${id}`]),
  accept: NOT_HERE,
  decline: NOT_HERE,
  cancel: NOT_HERE,
  pause: NOT_HERE,
  // Proves that the bytes are readable where the mesh runs.
  resume: async (_id, source) => {
    if ((await source?.text()) !== 'again') throw new MeshError('SOURCE_CHANGED', 'another file')
  },
  remove: NOT_HERE,
}

/** `name` is what `state.name` says: tests tell instances apart by it. */
export function createFakeMesh(name: string): Mesh {
  const bus = createBus<MeshEvents>()
  const handlers = new Map<string, (stream: PeerStream) => void | Promise<void>>([
    ['/fake/echo/1.0.0', (stream) => stream.readable.pipeTo(stream.writable)],
  ])
  const open = new Set<PeerStream>()
  const topics = new Set<readonly [string, Parameters<Mesh['subscribe']>[1]]>()
  let state = stateOf(name)
  const set = (change: Partial<MeshState>) => {
    state = { ...state, ...change }
    bus.emit('statechange', state)
  }
  return {
    peer: state.peer,
    vip: state.vip,
    get state() {
      return state
    },
    get peers() {
      return state.peers
    },
    files: FILES,
    relays: { add: NOT_HERE, remove: NOT_HERE },
    ...{ grant: NOT_HERE, revoke: NOT_HERE, explain: NOT_HERE, fetch: NOT_HERE, serve: NOT_HERE },
    why: async () => ({ path: 'relayed', candidates: [{ kind: 'relayed', outcome: 'used', relay: 'fake-relay' }] }),
    meshes: forwardMeshes(async (name, args) => `${name} ${JSON.stringify(args)}`),
    find: async (peer, { connect = false } = {}) => [{ relay: String(connect), addresses: [peer], until: 1 }],
    policy: { rows: async () => [], put: NOT_HERE, remove: NOT_HERE },
    async open(peer, protocol, options) {
      if (peer === 'nowhere') throw new MeshError('PEER_UNREACHABLE', 'nobody is there', { cause: new MeshError('RELAY_FULL', 'no place') })
      if (peer === 'never') return new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)))
      const serve = handlers.get(protocol)
      if (!serve) throw new MeshError('UNKNOWN_PROTOCOL', `nobody handles ${protocol}`)
      const pair = createStreamPair({ protocol, peers: [state.peer, state.peer] })
      open.add(pair.a)
      const run = async () => serve(pair.b)
      run().catch((error: unknown) => pair.b.abort(error))
      return pair.a
    },
    async handle(protocol, serve, { signal } = {}) {
      handlers.set(protocol, serve)
      signal?.addEventListener('abort', () => handlers.delete(protocol), { once: true })
    },
    send: async (peer, topic, data) => {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
      bus.emit('message', { id: `${topic}-1`, peer, topic, data: bytes })
      return `${topic}-1`
    },
    read: async () => undefined,
    configure: async (settings) => set({ settings: { ...state.settings, ...settings } }),
    publish: async (topic, data) => {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
      for (const [name, listen] of topics) if (name === topic) listen({ peer: state.peer, topic, data: bytes })
    },
    async subscribe(topic, listen, { signal } = {}) {
      const entry = [topic, listen] as const
      topics.add(entry)
      signal?.addEventListener('abort', () => topics.delete(entry), { once: true })
    },
    ping: async () => 1,
    rename: async (next) => set({ name: next }),
    addEventListener: (type, listen, options) => bus.on(type, (detail) => listen({ type, detail }), options),
    async close() {
      for (const stream of open) stream.abort(new MeshError('CLOSED', 'the mesh was closed'))
      set({ status: 'stopped' })
    },
  }
}

function stateOf(name: string): MeshState {
  return {
    status: 'relayed',
    peer: 'fake-peer',
    vip: 'fd64:6d65::1',
    name,
    names: { peerId: 'fake-peer', cid: '', didKey: '', vip: 'fd64:6d65::1', oldVip: '', oldId: '' },
    isNew: false,
    relays: [],
    peers: [],
    transfers: [],
    messages: [],
    meshes: [],
    settings: { sendReceipts: true },
    version: '0',
  }
}
