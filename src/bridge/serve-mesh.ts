/** Serves a Mesh to one page over a Carrier: calls, streams, handlers, and its events with a bound on what waits for a page that does not answer. */
import type { MeshEvents, MeshGround, MeshState, Publication } from '../core/mesh.ts'
import { callMeshes, isMeshesCall, takesSignal } from '../core/meshes-calls.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import { MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Carrier, CHANNEL } from './carrier.ts'
import { gathered, preceded } from './gather.ts'
import { EVENTS_IN_FLIGHT, EVENTS_WAITING, MAX_HANDLERS } from './limits.ts'
import { type Methods, serveLink } from './link.ts'
import type { AnyMeshEvent, FromPage, MeshApi, PublicationPush, Push } from './mesh-api.ts'
import { metaOf, serveStream } from './stream.ts'

/** Ends with the carrier: its streams are aborted and its handlers unregistered then. The mesh stays. */
export function serveMesh(mesh: MeshGround, carrier: Carrier, log: Log): void {
  const push = carrier.channel(CHANNEL.push)
  const events = createEventQueue((n, event) => push.post({ t: 'event', n, event } satisfies Push))
  push.listen((raw) => {
    const message = raw as FromPage
    if (message.t === 'ack') return events.acknowledge(message.n)
    const port = preceded(carrier.channel(message.channel), message.first)
    void serveStream((signal) => mesh.open(message.peer, message.protocol, { signal }), port, carrier.signal)
  })
  for (const type of EVENT_TYPES)
    mesh.addEventListener(type, ({ detail }) => events.add({ type, detail } as AnyMeshEvent), { signal: carrier.signal })
  carrier.signal.addEventListener('abort', () => {
    if (events.dropped() > 0) log('bridge.events.dropped', { count: events.dropped() }, 'warn')
  })
  const accept = (handler: number, stream: PeerStream) => {
    const channel = carrier.allocate()
    const port = gathered(carrier.channel(channel), (first, transfer) =>
      push.post({ t: 'stream', handler, channel, meta: metaOf(stream), first } satisfies Push, transfer),
    )
    return serveStream(() => stream, port, carrier.signal)
  }
  serveLink<MeshApi>(carrier.channel(CHANNEL.mesh), { ...methodsOf(mesh, carrier, accept), ...topicsOf(mesh, carrier, events.add) }, carrier.signal)
}

const EVENT_TYPES: readonly (keyof MeshEvents)[] = ['statechange', 'peerchange', 'message', 'messagechange', 'fileoffer', 'transferchange']

function methodsOf(
  mesh: MeshGround,
  carrier: Carrier,
  accept: (handler: number, stream: PeerStream) => Promise<void>,
): Omit<Methods<MeshApi>, TopicCalls> {
  const handlers = new Map<number, AbortController>()
  return {
    hello: () => ({ peer: mesh.peer, vip: mesh.vip, state: plainState(mesh.state) }),
    async open(signal, channel, peer, protocol, direct) {
      const stream = await mesh.open(peer, protocol, { signal, direct })
      void serveStream(() => stream, carrier.channel(channel), carrier.signal)
      return metaOf(stream)
    },
    async handle(_, handler, protocol, allow) {
      if (handlers.size >= MAX_HANDLERS) throw new MeshError('LIMIT_REACHED', `${MAX_HANDLERS} handlers are registered`)
      const stop = new AbortController()
      handlers.set(handler, stop)
      const signal = AbortSignal.any([stop.signal, carrier.signal])
      await mesh.handle(protocol, (stream) => accept(handler, stream), { signal, ...(allow ? { allow } : {}) })
    },
    unhandle(_, handler) {
      handlers.get(handler)?.abort()
      handlers.delete(handler)
    },
    send: (signal, peer, topic, data) => mesh.send(peer, topic, data, { signal }),
    read: (_, peer, messageId) => mesh.read(peer, messageId),
    configure: (_, settings) => mesh.configure(settings),
    ping: (signal, peer) => mesh.ping(peer, { signal }),
    find: (signal, peer, connect) => mesh.find(peer, { signal, connect }),
    rename: (_, name, peer) => mesh.rename(name, peer),
    offer: (signal, peer, source, name) => mesh.files.offer(peer, source, { signal, ...(name === undefined ? {} : { name }) }),
    accept: (_, id) => mesh.files.accept(id),
    decline: (_, id) => mesh.files.decline(id),
    cancel: (_, id) => mesh.files.cancel(id),
    pause: (_, id) => mesh.files.pause(id),
    resume: (_, id, source) => mesh.files.resume(id, source),
    openFile: (_, id) => mesh.files.open(id),
    removeFile: (_, id) => mesh.files.remove(id),
    why: (_, peer) => mesh.why(peer),
    addRelay: (_, origin) => mesh.relays.add(origin),
    removeRelay: (_, origin) => mesh.relays.remove(origin),
    rows: () => mesh.policy.rows(),
    putRow: (_, row) => mesh.policy.put(row),
    removeRow: (_, id) => mesh.policy.remove(id),
    grant: (_, grant) => mesh.grant(grant),
    revoke: (_, id) => mesh.revoke(id),
    explain: (_, who, may, to) => mesh.explain(who, may, to),
    meshes(signal, name, args) {
      if (!isMeshesCall(name)) throw new MeshError('BAD_ARGUMENT', 'no such call of meshes')
      return callMeshes(mesh.meshes, name, takesSignal(name) ? [args[0], { ...(args[1] as object), signal }] : args)
    },
  }
}

type TopicCalls = 'publish' | 'subscribe' | 'unsubscribe'

function topicsOf(mesh: MeshGround, carrier: Carrier, push: (event: PublicationPush) => void): Pick<Methods<MeshApi>, TopicCalls> {
  const subscribers = new Map<number, AbortController>()
  return {
    publish: (_, topic, data, id) => mesh.publish(topic, data, id === undefined ? {} : { mesh: id }),
    async subscribe(_, subscriber, topic, id) {
      const stop = new AbortController()
      subscribers.set(subscriber, stop)
      const options = { signal: AbortSignal.any([stop.signal, carrier.signal]), ...(id === undefined ? {} : { mesh: id }) }
      const listen = (publication: Publication) => push({ type: 'publication', detail: { ...publication, subscriber } })
      await mesh.subscribe(topic, listen, options).catch((error: unknown) => {
        subscribers.delete(subscriber)
        throw error
      })
    },
    unsubscribe(_, subscriber) {
      subscribers.get(subscriber)?.abort()
      subscribers.delete(subscriber)
    },
  }
}

/** A getter or a frozen list clones fine; a class instance in it would not. */
function plainState(state: MeshState): MeshState {
  return { ...state }
}

type Queued = AnyMeshEvent | PublicationPush

/** Sends at most EVENTS_IN_FLIGHT unacknowledged. Of `statechange` only the newest waits. */
export function createEventQueue(send: (n: number, event: Queued) => void) {
  let waiting: Queued[] = []
  let sent = 0
  let acked = 0
  let stateInFlight = 0 // its number, 0 = none
  let newest: AnyMeshEvent | undefined
  let dropped = 0
  const flush = () => {
    while (waiting.length > 0 && sent - acked < EVENTS_IN_FLIGHT) send(++sent, waiting.shift() as Queued)
    if (!newest || stateInFlight > 0 || sent - acked >= EVENTS_IN_FLIGHT) return
    stateInFlight = ++sent
    send(sent, newest)
    newest = undefined
  }
  return {
    add(event: Queued) {
      if (event.type === 'statechange') newest = event
      else waiting.push(event)
      if (waiting.length > EVENTS_WAITING) {
        waiting = waiting.slice(1)
        dropped++
      }
      flush()
    },
    acknowledge(n: number) {
      acked = Math.max(acked, Math.min(n, sent))
      if (acked >= stateInFlight) stateInFlight = 0
      flush()
    },
    dropped: () => dropped,
  }
}
