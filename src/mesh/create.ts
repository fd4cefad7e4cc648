/** createMesh: the API of design §4 on top of the engine. Everything comes as an argument; nothing is found by itself. */
import { peerOfAddress } from '../core/address.ts'
import type { HttpApi } from '../core/http.ts'
import type { Mesh } from '../core/mesh.ts'
import type { PubsubService } from '../core/protocol.ts'
import { withDeadline } from '../shared/async.ts'
import { codeOf, MeshError } from '../shared/errors.ts'
import { anySignal, type Engine, type Services, startEngine } from './engine.ts'
import { dialError } from './find-relay.ts'
import { DIAL_TIMEOUT } from './limits.ts'
import type { WithMeshes } from './meshes/lazy.ts'
import type { MeshHost, MeshParts } from './parts.ts'

/** Resolves when the peer runs; relays are reached in the background. The caller closes it. */
export async function createMesh(parts: MeshParts & WithMeshes): Promise<MeshHost> {
  const engine = await startEngine(parts)
  parts.log('mesh.started', { peer: parts.identity.peer, kind: parts.kind })
  const { snapshot, services, gate, connector, swarm, links } = engine
  const { policy, identity } = parts
  const commands = createCommands(engine)
  return {
    peer: identity.peer,
    vip: identity.names.vip,
    get state() {
      return snapshot.current()
    },
    get peers() {
      return snapshot.current().peers
    },
    files: services.files,
    relays: createRelays(engine),
    why: (peer) => engine.ways.why(peer),
    meshes: services.meshes,
    policy: { rows: async () => gate.rows(), put: (row) => policy.put(row), remove: (id) => policy.remove(id) },
    ...createGrants(engine),
    open: engine.open,
    handle: engine.handlers.handle,
    ...createHttp(engine),
    ...commands,
    find: createFind(engine, commands.connect),
    kick: engine.kick,
    noteAttempt: connector.note,
    handlers: gate.handlers,
    addresses: () => swarm.libp2p.getMultiaddrs().map((address) => address.toString()),
    connections: () => links.all().length,
  }
}

function createHttp({ parts, open, handlers: { handle } }: Engine): HttpApi {
  if (parts.protocols.http) return parts.protocols.http({ peer: parts.identity.peer, open, handle })
  const refuse = () => Promise.reject(new MeshError('NOT_SUPPORTED', 'HTTP is switched off here'))
  return { fetch: refuse, serve: refuse }
}

function createFind({ parts, open, ways, relays }: Engine, connect: MeshHost['connect']): Mesh['find'] {
  const { identity, clock, log, protocols } = parts
  const ground = { peer: identity.peer, identity, clock, log, open, connect, why: ways.why, relays: relays.infos }
  return protocols.find?.(ground) ?? (() => Promise.reject(new MeshError('NOT_SUPPORTED', 'looking for peers is switched off here')))
}

/** The code comes with the first call. */
function createGrants({ gate, parts: { policy, clock } }: Engine): Pick<Mesh, 'grant' | 'revoke' | 'explain'> {
  const load = () => import('../access/grants.ts')
  return {
    grant: async (grant) => (await load()).addGrant(policy, grant, clock.now()),
    revoke: async (id) => (await load()).removeGrant(policy, id),
    explain: async (who, may, to) => (await load()).explainGrant({ who: gate.who, decide: gate.explain }, who, may, to),
  }
}

/** Reads those that were added before at once: it holds up nobody. */
function createRelays({ parts, ways, services }: Engine): Mesh['relays'] {
  const { relayClient } = parts
  if (!relayClient) {
    const refuse = () => Promise.reject(new MeshError('NOT_SUPPORTED', 'a relay holds no places at others'))
    return { add: refuse, remove: refuse }
  }
  let list: Promise<Mesh['relays']> | undefined
  const ready = () => (list ??= ways.list(relayClient, services.presence))
  if (parts.relaySource) ready().catch((error: unknown) => parts.log('relay.list.failed', { code: codeOf(error) }, 'warn'))
  return { add: async (origin) => (await ready()).add(origin), remove: async (origin) => (await ready()).remove(origin) }
}

function pubsubOf({ pubsub }: Services): PubsubService {
  if (pubsub) return pubsub
  throw new MeshError('NOT_SUPPORTED', 'pub/sub is switched off here')
}

function createCommands(
  engine: Engine,
): Pick<MeshHost, 'send' | 'read' | 'configure' | 'publish' | 'subscribe' | 'ping' | 'rename' | 'connect' | 'addEventListener' | 'close'> {
  const { parts, stop, bus, snapshot, services, names, connector, rtt, swarm, ways } = engine
  const { signal } = stop
  return {
    async send(peer, topic, data, options) {
      const id = await services.message.send(peer, topic, data, options)
      snapshot.touch()
      return id
    },
    read: (peer, messageId) => services.message.read(peer, messageId),
    async configure(settings) {
      await services.message.configure(settings)
      snapshot.touch()
    },
    publish: async (topic, data, options) => pubsubOf(services).publish(topic, data, options),
    subscribe: async (topic, listen, options) => pubsubOf(services).subscribe(topic, listen, options),
    async ping(peer, options = {}) {
      const link = await connector.reach(peer, anySignal(options.signal, signal))
      return rtt.measure(link.connection, options.signal)
    },
    async rename(name, peer) {
      await names.rename(name, peer)
      if (!peer) services.presence.rename(names.mine())
      snapshot.touch()
    },
    async connect(address, options = {}) {
      const peer = peerOfAddress(address)
      if (!peer) throw new MeshError('BAD_ARGUMENT', `no /p2p/<peer> at the end of ${address}`)
      const dial = (own: AbortSignal) => swarm.dial(address, own)
      const both = anySignal(options.signal, signal)
      const connection = await withDeadline(parts.clock, DIAL_TIMEOUT, `dialling ${address}`, both, dial).catch((error: unknown) => {
        throw dialError(error, peer)
      })
      if (options.protocol) ways.agreed.add(connection, options.protocol)
      return peer
    },
    addEventListener(type, listen, options = {}) {
      bus.on(type, (detail) => listen({ type, detail }), { signal: anySignal(options.signal, signal) })
    },
    async close() {
      if (signal.aborted) return
      stop.abort(new MeshError('CLOSED', 'the mesh was closed'))
      snapshot.touch()
      await swarm.libp2p.stop()
      parts.log('mesh.stopped', {})
    },
  }
}
