/** Builds libp2p from given parts: the only place where it is configured. It must contact nobody by itself: no bootstrap, no auto-dial, no default STUN servers. */
import { type Identify, identify } from '@libp2p/identify'
import type {
  ComponentLogger,
  Connection,
  ConnectionEncrypter,
  Logger,
  PeerId,
  PeerStore,
  PrivateKey,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import type { Transport } from '../core/transport.ts'
import type { Log } from '../shared/log.ts'
import { WIDE_YAMUX } from '../wire/ids.ts'
import { DIAL_TIMEOUT, HIGH_WATER, INITIAL_WINDOW, MAX_PENDING, MAX_STREAMS } from './limits.ts'
import { askAhead, thrifty } from './muxer.ts'

/** Parts of libp2p that only services get to see. */
export interface SwarmComponents {
  readonly registrar: Registrar
  readonly transportManager: TransportManager
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly peerId: PeerId
  readonly peerStore: PeerStore
  readonly privateKey: PrivateKey
  readonly upgrader: Upgrader
}

export interface Swarm {
  readonly libp2p: Libp2p<{ identify: Identify }>
  readonly components: SwarmComponents
  connections(): readonly Connection[]
  /** A new connection to a multiaddr text. Past libp2p's queue, which makes a dial wait for any other to the same peer, hung ones too. */
  dial(address: string, signal: AbortSignal): Promise<Connection>
}

export interface SwarmParts {
  readonly privateKey: PrivateKey
  readonly transports: readonly Transport[]
  /** More libp2p services, e.g. the hop server. Opaque. */
  readonly services?: Readonly<Record<string, unknown>>
  readonly agent: string
  readonly log: Log
  /** Multiaddrs to tell others, beside those of the listeners. */
  readonly announce?: readonly string[]
  /** Bytes of the largest receive window of a stream. */
  readonly window: number
  /** Most connections at once. Default HIGH_WATER. */
  readonly maxConnections?: number
}

type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]
/** `components` is no service: libp2p hands its parts to services alone, so one takes them out. */
type Services = { identify: Identify; components: object }

/** Built and not started: the caller starts and stops `libp2p`. */
export async function createSwarm(parts: SwarmParts): Promise<Swarm> {
  let components: SwarmComponents | undefined
  const offered = () => components?.registrar.getProtocols() ?? []
  const options: Libp2pOptions<Services> = {
    privateKey: parts.privateKey,
    start: false,
    addresses: { listen: parts.transports.flatMap(({ listen }) => listen), appendAnnounce: [...(parts.announce ?? [])] },
    transports: parts.transports.map(({ factory }) => factory as TransportFactory),
    connectionEncrypters: [noise()],
    streamMuxers: [() => thrifty(wideYamux(parts.window), offered), () => thrifty(yamux(yamuxOptions(parts.window))(), offered)],
    // A relay down at boot is normal: the keeper listens later.
    transportManager: { faultTolerance: 1 },
    connectionManager: {
      maxConnections: (parts.maxConnections ?? HIGH_WATER) * 2, // our own trimmer acts first, at the high-water mark
      dialTimeout: DIAL_TIMEOUT,
      addressDialTimeout: DIAL_TIMEOUT,
      reconnectRetries: 0,
      resolvers: {}, // the default one asks public DNS servers for dnsaddr
      inboundConnectionThreshold: 1_000, // per second and host; a relay behind a proxy sees one host. The front limits instead.
      maxIncomingPendingConnections: MAX_PENDING,
    },
    // RTT and liveness are measured by rtt.ts on one long stream instead of a new stream each time.
    connectionMonitor: { enabled: false },
    // The default gater of browsers refuses LAN and localhost addresses.
    connectionGater: { denyDialMultiaddr: () => false },
    nodeInfo: { userAgent: parts.agent },
    logger: createLibp2pLogger(parts.log),
    services: {
      ...parts.services,
      identify: identify({ runOnLimitedConnection: true }),
      components: (given: SwarmComponents) => {
        components = given
        return {}
      },
    },
  }
  const libp2p = await createLibp2p(options)
  if (!components) throw new TypeError('libp2p did not build its services')
  withoutEcho(components.peerStore, components.peerId)
  encryptAtOnce(components.upgrader)
  listOnce(components.connectionManager)
  const { transportManager } = components
  return {
    libp2p,
    components,
    connections: () => libp2p.getConnections(),
    dial: (address, signal) => transportManager.dial(multiaddr(address), { signal }),
  }
}

function yamuxOptions(window: number, initialStreamWindowSize?: number) {
  const streamOptions = {
    maxStreamWindowSize: window,
    maxReadBufferLength: 2 * window,
    ...(initialStreamWindowSize ? { initialStreamWindowSize } : {}),
  }
  return { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS, streamOptions }
}

/** yamux as it is, but both sides start with a wide window (docs/adr/0009): with the standard 256 KiB a stream idles most of each round trip. */
function wideYamux(window: number): StreamMuxerFactory {
  return Object.assign(yamux(yamuxOptions(window, INITIAL_WINDOW))(), { protocol: WIDE_YAMUX })
}

/** There is one way to encrypt, so its name goes out together with its first message: libp2p would wait a round trip for a yes (docs/adr/0013). */
function encryptAtOnce(upgrader: Upgrader): void {
  const inner = upgrader as Upgrader & { _encryptOutbound(...args: Parameters<ConnectionEncrypter['secureOutbound']>): Promise<object> }
  inner._encryptOutbound = async (connection, options) => {
    const [only] = upgrader.getConnectionEncrypters()
    if (!only) throw new TypeError('no encrypter')
    const [protocol, encrypter] = only
    askAhead(connection, protocol)
    return { ...(await encrypter.secureOutbound(connection, options)), protocol }
  }
}

/** libp2p copies its list of connections anew for each peer in it, and asks for it twice for each that comes in: with thousands that was half of a relay's time. */
function listOnce(manager: ConnectionManager): void {
  const ofPeer = manager.getConnections.bind(manager)
  manager.getConnections = (peer) => (peer ? ofPeer(peer) : [...manager.getConnectionsMap().values()].flat())
}

/** libp2p writes after every new stream, through locks and protobuf, that the peer speaks its protocol. Identify has told that already. */
function withoutEcho(peerStore: PeerStore, me: PeerId): void {
  const merge = peerStore.merge.bind(peerStore)
  peerStore.merge = (id, data, options) => {
    const told = Object.keys(data).join() === 'protocols' && !me.equals(id)
    return told ? Promise.resolve(undefined as never) : merge(id, data, options)
  }
}

/** libp2p's own prose goes to our log at level debug, errors only; format strings are kept as the event's field. */
function createLibp2pLogger(log: Log): ComponentLogger {
  const forComponent = (name: string): Logger => {
    const trace = () => undefined
    const error = (format: unknown, ...args: unknown[]) => {
      const cause = args.find((arg) => arg instanceof Error) as Error | undefined
      log('libp2p.error', { component: name, what: String(format).slice(0, 120), cause: cause?.message?.slice(0, 200) }, 'debug')
    }
    return Object.assign(trace, { error, trace, enabled: false, newScope: (scope: string) => forComponent(`${name}:${scope}`) })
  }
  return { forComponent }
}
