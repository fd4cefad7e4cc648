/** `/webrtc`: browser to browser, signalled over a relayed stream (libp2p spec webrtc). Wraps stock webRTC(): our own STUN only, no dangling signalling stream when there is no host, and each attempt reported. Must never name a third party's STUN. */
import type { Connection, DialTransportOptions, Transport as Libp2pTransport, Startable, Stream, StreamHandler } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { type WebRTCTransportComponents, webRTC } from '@libp2p/webrtc'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { WebRTC } from '@multiformats/multiaddr-matcher'
import { peerOfAddress } from '../../core/address.ts'
import type { PathAttempt } from '../../core/path.ts'
import type { Transport } from '../../core/transport.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { describeReport, obstacleOf, outcomeOf } from './describe.ts'
import { MAX_ATTEMPTS, MAX_BUFFERED, MAX_INBOUND, MAX_PER_PEER } from './limits.ts'
import type { NegotiableConnection } from './negotiate.ts'
import { createPiped } from './piped.ts'
import type { ReportWatch, RtcReport } from './report.ts'

export interface WebRtcOptions {
  readonly clock: Clock
  /** URLs such as stun:relay.example:3478, asked for each connection. Our relays' own only; empty = host candidates alone. */
  readonly iceServers: () => readonly string[]
  /** False while no host can make connections; then dials fail with NOT_SUPPORTED and incoming signalling is reset. Default: always true. */
  readonly available?: () => boolean
  /** Default: the global one at the time of each attempt. */
  readonly RTCPeerConnection?: typeof RTCPeerConnection
  /** What was tried with a peer: first with outcome 'trying', then how it ended. */
  readonly onAttempt?: (attempt: PathAttempt & { readonly peer: string }) => void
}

interface Attempt {
  readonly peer: string
  readonly inbound: boolean
  report: RtcReport | undefined
}

/** Never listens by itself; `/webrtc` follows from the relayed addresses. */
export function createWebRtc(options: WebRtcOptions): Transport {
  return {
    name: 'webrtc',
    listen: ['/webrtc'],
    matches: (text) => WebRTC.exactMatch(multiaddr(text)),
    factory: (components: WebRTCTransportComponents) => wrap(options, components),
  }
}

function wrap(options: WebRtcOptions, components: WebRTCTransportComponents): Libp2pTransport {
  const { available = () => true } = options
  const running = new Set<Attempt>()
  // Stock code asks for the configuration first thing in each attempt, synchronously: so this is the attempt it belongs to.
  let current: Attempt | undefined
  const rtcConfiguration = (attempt = current) => {
    const watch: ReportWatch | undefined = attempt && ((report) => void (attempt.report = report))
    return { iceServers: options.iceServers().map((urls) => ({ urls })), ...(watch ? { watch } : {}) }
  }
  const make = (attempt: Attempt) => () =>
    new (options.RTCPeerConnection ?? globalThis.RTCPeerConnection)(rtcConfiguration(attempt)) as NegotiableConnection
  const begin = (peer: string, inbound: boolean): Attempt => {
    const attempt: Attempt = { peer, inbound, report: undefined }
    running.add(attempt)
    return attempt
  }
  const end = (attempt: Attempt, outcome: string) => {
    if (!running.delete(attempt)) return
    const wanted = outcome !== 'ok' && options.iceServers().length > 0
    const obstacle = wanted && attempt.report ? obstacleOf(attempt.report) : undefined
    options.onAttempt?.({
      peer: attempt.peer,
      transport: 'webrtc',
      what: describeReport(attempt.report, wanted),
      outcome: outcome === 'ok' ? 'ok' : outcomeOf(outcome, attempt.report),
      ...(obstacle ? { obstacle } : {}),
      at: options.clock.now(),
    })
  }
  const during = <T>(attempt: Attempt, work: () => T): T => {
    current = attempt
    try {
      return work()
    } finally {
      current = undefined
    }
  }
  const checkReady = () => {
    if (!available()) throw new MeshError('NOT_SUPPORTED', 'no page offers WebRTC now')
    if (running.size >= MAX_ATTEMPTS) throw new MeshError('LIMIT_REACHED', `${MAX_ATTEMPTS} WebRTC attempts run already`)
  }
  const checkCaller = ({ remotePeer }: Connection) => {
    checkReady()
    const isOurs = ({ remoteAddr }: Connection) => remoteAddr.toString().includes('/webrtc')
    const inbound = components.connectionManager.getConnections().filter((one) => one.direction === 'inbound' && isOurs(one))
    if (inbound.length + [...running].filter((one) => one.inbound).length >= MAX_INBOUND)
      throw new MeshError('LIMIT_REACHED', `${MAX_INBOUND} calls of others are here already`)
    const live = components.connectionManager.getConnections(remotePeer).filter(isOurs)
    const trying = [...running].filter(({ peer }) => peer === remotePeer.toString())
    if (live.length + trying.length >= MAX_PER_PEER) throw new MeshError('LIMIT_REACHED', `${MAX_PER_PEER} WebRTC connections with this peer already`)
  }
  const onSignalling =
    (handler: StreamHandler): StreamHandler =>
    (stream: Stream, connection: Connection) => {
      try {
        checkCaller(connection)
      } catch (error) {
        stream.abort(toMeshError(error))
        return
      }
      const attempt = begin(connection.remotePeer.toString(), true)
      // Stock code gives no result of incoming attempts; the state of the connection is the result.
      stream.addEventListener('close', ({ error }) => end(attempt, !error && attempt.report?.state !== 'failed' ? 'ok' : 'PATH_LOST'))
      return during(attempt, () => handler(stream, connection))
    }
  const onPiped: StreamHandler = async (stream, connection) => {
    checkCaller(connection)
    const attempt = begin(connection.remotePeer.toString(), true)
    try {
      await piped.accept(stream, connection, make(attempt))
      end(attempt, 'ok')
    } catch (error) {
      end(attempt, toMeshError(error, 'PEER_UNREACHABLE').code)
      stream.abort(toMeshError(error))
    }
  }
  const inner = webRTC({ rtcConfiguration: () => rtcConfiguration(), dataChannel: { maxBufferedAmount: MAX_BUFFERED } })(
    lend(components, onSignalling),
  ) as Libp2pTransport & Startable
  const piped = createPiped({
    components,
    log: components.logger.forComponent('dmesh:webrtc'),
    clock: options.clock,
    onSilent: (peer) =>
      options.onAttempt?.({ peer, transport: 'webrtc', what: 'WebRTC, no answer any more', outcome: 'PATH_LOST', at: options.clock.now() }),
  })
  const stock = inner.dial.bind(inner)
  // DMesh peers get one channel with flow control; whoever does not know it is dialled by the stock way.
  const dial = (address: Multiaddr, init: DialTransportOptions, attempt: Attempt) =>
    piped.dial(address, init, make(attempt)).catch((error: Error) => {
      if (error.name !== 'UnsupportedProtocolError') throw error
      return during(attempt, () => stock(address, init))
    })
  const { start, stop } = { start: inner.start.bind(inner), stop: inner.stop.bind(inner) }
  return Object.assign(inner, {
    async start() {
      await start()
      await components.registrar.handle(PROTOCOL.webrtc, onPiped, {
        runOnLimitedConnection: true,
        maxInboundStreams: MAX_ATTEMPTS,
        maxOutboundStreams: MAX_ATTEMPTS,
      })
    },
    async stop() {
      await components.registrar.unhandle(PROTOCOL.webrtc)
      piped.stop()
      await stop()
    },
    async dial(address: Multiaddr, init: DialTransportOptions): Promise<Connection> {
      checkReady()
      const attempt = begin(peerOfAddress(address.toString()) ?? '', false)
      try {
        const connection = await dial(address, init, attempt)
        end(attempt, 'ok')
        return connection
      } catch (error) {
        end(attempt, toMeshError(error, 'PEER_UNREACHABLE').code)
        throw error
      }
    },
  })
}

/** The components as they are, but with a registrar through which incoming signalling is seen first. Getters: libp2p fills some in later. */
function lend(components: WebRTCTransportComponents, onSignalling: (handler: StreamHandler) => StreamHandler): WebRTCTransportComponents {
  const registrar = () =>
    new Proxy(components.registrar, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (name === 'handle')
          return (...[protocol, handler, init]: Parameters<Registrar['handle']>) => target.handle(protocol, onSignalling(handler), init)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return {
    get peerId() {
      return components.peerId
    },
    get registrar() {
      return registrar()
    },
    get upgrader() {
      return components.upgrader
    },
    get transportManager() {
      return components.transportManager
    },
    get connectionManager() {
      return components.connectionManager
    },
    get metrics() {
      return components.metrics
    },
    get logger() {
      return components.logger
    },
    get events() {
      return components.events
    },
  }
}
