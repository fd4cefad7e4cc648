/** gossipsub v1.2 (https://github.com/libp2p/specs/tree/master/pubsub/gossipsub) on the links we have: it signs strictly, dials nobody, keeps no addresses, and passes on nothing that was not judged. A chunk of its own, loaded at first use. */
import { type GossipSub, type GossipsubOpts, gossipsub, type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection, PeerId, Startable, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { backoff } from '../core/backoff.ts'
import type { Gossip, GossipOptions } from '../core/pubsub.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import {
  GOSSIP_DEGREE,
  GOSSIP_RETRY,
  GOSSIP_SEEN,
  GOSSIP_SWEEP,
  MAX_FORWARDED_TOPICS,
  MAX_GOSSIP_BUFFER,
  MAX_GOSSIP_FRAME,
  MAX_GOSSIP_IDS,
  MAX_GOSSIP_PARTS,
  MAX_GOSSIP_TOPIC_BYTES,
} from './limits.ts'
import type { Links } from './links.ts'
import type { Swarm } from './swarm.ts'

export interface GossipParts extends GossipOptions {
  readonly swarm: Swarm
  readonly links: Links
  readonly clock: Clock
  readonly log: Log
  /** [0, 1). */
  readonly random: () => number
}

/** Ends with the signal. */
export async function createGossip(parts: GossipParts, signal: AbortSignal): Promise<Gossip> {
  const { swarm, clock, log, forward } = parts
  const neighbourhood = createNeighbourhood(parts, signal)
  const router = gossipsub(optionsOf(forward))({
    privateKey: swarm.components.privateKey,
    peerId: swarm.components.peerId,
    registrar: neighbourhood.registrar as never,
    // It has ideas of its own about whom to dial and what to remember; here it may neither.
    connectionManager: { openConnection: refuse } as never,
    peerStore: { get: refuse, merge: async () => undefined, consumePeerRecord: async () => false } as never,
    logger: (swarm.libp2p as unknown as { logger: never }).logger,
  }) as GossipSub & Startable
  const joined = new Set<string>()
  const forwarded = new Set<string>()
  const join = (topic: string) => {
    router.topicValidators.set(topic, (source, message) => judged(source, message, parts))
    if (!router.getTopics().includes(topic)) router.subscribe(topic)
  }
  const leave = (topic: string) => {
    if (joined.has(topic) || forwarded.has(topic)) return
    if (router.getTopics().includes(topic)) router.unsubscribe(topic)
    router.topicValidators.delete(topic)
  }
  const sweep = () => {
    for (const topic of forwarded) {
      if (router.getSubscribers(topic).length > 0) continue
      forwarded.delete(topic)
      leave(topic)
    }
  }
  if (forward)
    router.addEventListener('subscription-change', ({ detail }) => {
      for (const { topic, subscribe } of detail.subscriptions) {
        if (!subscribe || forwarded.has(topic)) continue
        if (forwarded.size >= MAX_FORWARDED_TOPICS) log('pubsub.topics.full', { cap: MAX_FORWARDED_TOPICS }, 'warn')
        else {
          forwarded.add(topic)
          join(topic)
        }
      }
      sweep()
    })
  await router.start?.()
  neighbourhood.greet()
  const stopSweep = forward ? every(clock, GOSSIP_SWEEP, sweep) : () => undefined
  const stop = () => {
    stopSweep()
    Promise.resolve(router.stop?.()).catch((error: unknown) => log('pubsub.stop.failed', { code: codeOf(error) }, 'debug'))
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return {
    join(topic) {
      joined.add(topic)
      join(topic)
    },
    leave(topic) {
      joined.delete(topic)
      leave(topic)
    },
    neighbours: (topic) => router.getSubscribers(topic).length,
    publish: async (topic, data) => (await router.publish(topic, data)).recipients.length,
  }
}

/** A hub has everybody in its mesh: a message that goes to some only reaches the others late or never. */
function optionsOf(hub: boolean): Partial<GossipsubOpts> {
  return {
    ...(hub ? GOSSIP_DEGREE : {}),
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    doPX: false,
    tagMeshPeers: false,
    runOnLimitedConnection: true,
    emitSelf: false,
    seenTTL: GOSSIP_SEEN,
    maxInboundDataLength: MAX_GOSSIP_FRAME,
    maxOutboundBufferSize: MAX_GOSSIP_BUFFER,
    maxTopicBytesPerPeer: MAX_GOSSIP_TOPIC_BYTES,
    decodeRpcLimits: {
      maxSubscriptions: MAX_GOSSIP_PARTS,
      maxMessages: MAX_GOSSIP_PARTS,
      maxControlMessages: MAX_GOSSIP_PARTS,
      maxIhaveMessageIDs: MAX_GOSSIP_IDS,
      maxIwantMessageIDs: MAX_GOSSIP_IDS,
      maxIdontwantMessageIDs: MAX_GOSSIP_IDS,
      maxPeerInfos: 0,
    },
    // Peers behind one relay, proxy or router share an address.
    scoreParams: { IPColocationFactorWeight: 0 },
    // Never take peers from others.
    scoreThresholds: { acceptPXThreshold: Number.MAX_SAFE_INTEGER },
  }
}

async function judged(source: PeerId, message: Message, { judge, log }: GossipParts): Promise<TopicValidatorResult> {
  if (message.type !== 'signed') return TopicValidatorResult.Reject
  const { topic, data } = message
  try {
    const verdict = await judge({ from: message.from.toString(), source: source.toString(), topic, data })
    // 'drop' is no accusation: who passed it on may not be able to tell.
    return verdict === 'pass' ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
  } catch (error) {
    log('pubsub.judge.threw', { code: codeOf(error) }, 'error')
    return TopicValidatorResult.Ignore
  }
}

/**
 * Who is a neighbour: every linked peer is asked once when we start and when its link opens, since identify tells only what a peer spoke when it was connected.
 * Whoever starts later asks us in turn.
 */
function createNeighbourhood({ swarm, links, clock, random }: GossipParts, signal: AbortSignal) {
  const { registrar } = swarm.components
  const tries = new Map<string, number>()
  let topology: Topology | undefined
  const meet = (peer: string) => {
    const best = links.best(peer)?.connection
    if (!best || !topology || signal.aborted) return
    topology.onConnect?.(best.remotePeer, overConnection(best, onEnd))
  }
  /** Cut while the link lives (a limit was used up, another link took over): again, ever later. */
  const onEnd = (peer: string) => {
    const attempt = (tries.get(peer) ?? 0) + 1
    tries.set(peer, attempt)
    clock.after(backoff(attempt, random(), GOSSIP_RETRY), () => meet(peer))
  }
  links.onChange((peer, link, opened) => {
    if (opened) {
      if (link.path.rtt === undefined) meet(peer)
      return
    }
    if (links.of(peer).length > 0) return
    tries.delete(peer)
    topology?.onDisconnect?.(link.connection.remotePeer)
  })
  return {
    greet() {
      for (const peer of links.peers()) meet(peer)
    },
    registrar: {
      handle: (protocol: string, handler: StreamHandler, options: object) => registrar.handle(protocol, handler, options),
      unhandle: (protocol: string) => registrar.unhandle(protocol),
      register: async (protocol: string, given: Topology) => {
        topology = given
        return protocol
      },
      unregister: () => undefined,
      getTopologies: () => [],
    },
  }
}

/** The connection as gossipsub needs it, telling when a stream that it opened there has ended. */
function overConnection(connection: Connection, onEnd: (peer: string) => void): Connection {
  const peer = connection.remotePeer.toString()
  const newStream = async (...args: Parameters<Connection['newStream']>): Promise<Stream> => {
    const stream = await connection.newStream(...args)
    stream.addEventListener('close', () => onEnd(peer), { once: true })
    return stream
  }
  const { remotePeer, remoteAddr, direction } = connection
  return { remotePeer, remoteAddr, direction, status: connection.status, newStream } as unknown as Connection
}

function every(clock: Clock, ms: number, work: () => void): () => void {
  const run = () => {
    work()
    cancel = clock.after(ms, run)
  }
  let cancel = clock.after(ms, run)
  return () => cancel()
}

async function refuse(): Promise<never> {
  throw new MeshError('NOT_SUPPORTED', 'gossip dials nobody and keeps no addresses')
}
