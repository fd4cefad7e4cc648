/** Pub/sub of a mesh on a gossip network: topics and payloads of private meshes are hashed and sealed, those of the lobby are public and signed. Must never pass on what does not open where it could be opened. */
import type { Publication } from '../../core/mesh.ts'
import type { Pubsub, PubsubHost, PubsubService } from '../../core/protocol.ts'
import type { Gossip, GossipMessage, MeshSeal, Verdict } from '../../core/pubsub.ts'
import { singleFlight, sleep, throwIfAborted } from '../../shared/async.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { createRateLimiter } from '../../shared/rate-limit.ts'
import { ALL_PER_MINUTE, AUTHOR_PER_MINUTE, FIRST_WAIT, FRESH, LOOK, MAX_DATA, MAX_LISTENERS, MAX_OVERHEAD, MAX_TOPICS } from './limits.ts'
import { checkData, checkTopic, decodeInside, encodeInside, LOBBY, wireTopic } from './wire.ts'

export interface PubsubOptions {
  /** In place of the host's, e.g. to listen in. */
  readonly sealFor?: PubsubHost['sealFor']
  /** A relay passes on between its peers whatever they are in. Default false. */
  readonly forward?: boolean
}

/** One topic that somebody here listens to. */
interface Joined {
  readonly mesh: string
  readonly topic: string
  readonly listeners: Set<(publication: Publication) => void>
}

type SealFor = PubsubHost['sealFor']

export function createPubsub({ sealFor: otherwise, forward = false }: PubsubOptions = {}): Pubsub {
  return {
    start(host, signal) {
      const sealFor: SealFor = otherwise ?? host.sealFor
      const joined = new Map<string, Joined>()
      const judge = createJudge(host, joined, sealFor)
      let running: { readonly gossip: Gossip; readonly since: number } | undefined
      const start = singleFlight(async () => {
        throwIfAborted(signal)
        running ??= { gossip: await host.openGossip({ judge, forward }), since: host.clock.monotonic() }
        return running
      })
      const ready = async () => running ?? start()
      if (forward) ready().catch((error: unknown) => host.log('pubsub.start.failed', { code: codeOf(error) }, 'warn'))
      return {
        publish: (topic, data, options) => publish({ host, ready, sealFor, signal }, topic, data, options),
        subscribe: (topic, listen, options) => subscribe({ host, ready, sealFor, joined }, topic, listen, options),
      }
    },
  }
}

interface Place {
  readonly host: PubsubHost
  readonly ready: () => Promise<{ readonly gossip: Gossip; readonly since: number }>
  readonly sealFor: SealFor
}

type Publish = PubsubService['publish']
type Subscribe = PubsubService['subscribe']

async function publish(place: Place & { signal: AbortSignal }, ...[topic, data, { mesh = LOBBY } = {}]: Parameters<Publish>): Promise<void> {
  const { host, ready, sealFor, signal } = place
  checkTopic(topic)
  const bytes = typeof data === 'string' ? toUtf8(data) : data.slice()
  checkData(bytes)
  const seal = await sealOf(mesh, sealFor)
  const wire = await wireTopic(mesh, topic)
  const { gossip, since } = await ready()
  // Just started: neighbours have not said yet what they are in.
  const end = since + FIRST_WAIT
  while (gossip.neighbours(wire) === 0 && host.clock.monotonic() < end) await sleep(host.clock, LOOK, signal)
  const inside = { from: host.identity.peer, topic: wire, at: host.clock.now() }
  const sent = await gossip.publish(wire, seal ? await seal.seal(encodeInside(inside, bytes)) : bytes)
  host.log('pubsub.published', { bytes: bytes.byteLength, neighbours: sent }, 'debug')
}

async function subscribe(
  { ready, sealFor, joined }: Place & { joined: Map<string, Joined> },
  ...[topic, listen, { mesh = LOBBY, signal } = {}]: Parameters<Subscribe>
): Promise<void> {
  checkTopic(topic)
  throwIfAborted(signal)
  await sealOf(mesh, sealFor)
  const wire = await wireTopic(mesh, topic)
  const { gossip } = await ready()
  throwIfAborted(signal)
  const known = joined.get(wire)
  const listeners = [...joined.values()].reduce((sum, one) => sum + one.listeners.size, 0)
  if (listeners >= MAX_LISTENERS || (!known && joined.size >= MAX_TOPICS))
    throw new MeshError('LIMIT_REACHED', `${joined.size} topics with ${listeners} listeners; leave one first`)
  const entry: Joined = known ?? { mesh, topic, listeners: new Set() }
  const own = (publication: Publication) => listen(publication)
  entry.listeners.add(own)
  if (!known) {
    joined.set(wire, entry)
    gossip.join(wire)
  }
  const end = () => {
    entry.listeners.delete(own)
    if (entry.listeners.size > 0 || joined.get(wire) !== entry) return
    joined.delete(wire)
    gossip.leave(wire)
  }
  signal?.addEventListener('abort', end, { once: true })
}

/** Undefined in the lobby, where nothing is sealed. ACCESS_DENIED for a mesh that I am not in. */
async function sealOf(mesh: string, sealFor: SealFor): Promise<MeshSeal | undefined> {
  if (mesh === LOBBY) return undefined
  const seal = await sealFor(mesh)
  if (!seal) throw new MeshError('ACCESS_DENIED', 'this peer holds no key of that mesh')
  return seal
}

/** Rates, size, seal; then the listeners. Of topics that are only passed on for others it sees signature, size and rate. */
function createJudge(host: PubsubHost, joined: ReadonlyMap<string, Joined>, sealFor: SealFor): (message: GossipMessage) => Promise<Verdict> {
  const rates = createRateLimiter(host.clock, { startsPerPrefix: AUTHOR_PER_MINUTE, starts: ALL_PER_MINUTE })
  const drop = (message: GossipMessage, why: string): Verdict => {
    host.log('pubsub.dropped', { why, from: message.from, source: message.source }, 'debug')
    return 'drop'
  }
  return async (message) => {
    const { from, topic, data } = message
    const entry = joined.get(topic)
    const cap = topic.startsWith(`${LOBBY}/`) ? MAX_DATA : MAX_DATA + MAX_OVERHEAD
    if (data.byteLength > cap) return drop(message, 'size')
    const end = rates.start(from)
    if (!end) return drop(message, 'rate')
    end()
    if (!entry) return 'pass'
    const opened = entry.mesh === LOBBY ? data.slice() : await open(message, await sealFor(entry.mesh), host.clock.now())
    if (!opened) return drop(message, 'seal')
    for (const listen of entry.listeners) queueMicrotask(() => tell(host, listen, { peer: from, topic: entry.topic, data: opened.slice() }))
    return 'pass'
  }
}

/** What a member sealed for this topic lately and signed itself; undefined for anything else. */
async function open({ from, topic, data }: GossipMessage, seal: MeshSeal | undefined, now: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!seal) return undefined
  try {
    const { inside, data: bytes } = decodeInside(await seal.open(data.slice(), from))
    return inside.from === from && inside.topic === topic && Math.abs(now - inside.at) <= FRESH ? bytes : undefined
  } catch {
    return undefined
  }
}

function tell(host: PubsubHost, listen: (publication: Publication) => void, publication: Publication): void {
  try {
    listen(publication)
  } catch (error) {
    host.log('pubsub.listener.threw', { code: codeOf(error) }, 'error')
  }
}
