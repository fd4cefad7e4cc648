/** `/webrtc`: browser to browser, signalled over a relayed stream (libp2p spec webrtc). Wraps stock webRTC(): our own STUN only, no dangling signalling stream when there is no host, and each attempt reported. Must never name a third party's STUN. */
import type { Connection, DialTransportOptions, Stream, StreamHandler, Transport as Libp2pTransport } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { webRTC, type WebRTCTransportComponents } from '@libp2p/webrtc'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { WebRTC } from '@multiformats/multiaddr-matcher'
import { peerOfAddress } from '../../core/address.ts'
import type { PathAttempt } from '../../core/path.ts'
import type { Transport } from '../../core/transport.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { describeReport, outcomeOf } from './describe.ts'
import { MAX_ATTEMPTS, MAX_BUFFERED } from './limits.ts'
import type { ReportWatch, RtcReport } from './report.ts'

export interface WebRtcOptions {
  readonly clock: Clock
  /** URLs such as stun:relay.example:3478, asked for each connection. Our relays' own only; empty = host candidates alone. */
  readonly iceServers: () => readonly string[]
  /** False while no host can make connections; then dials fail with NOT_SUPPORTED and incoming signalling is reset. Default: always true. */
  readonly available?: () => boolean
  /** What was tried with a peer: first with outcome 'trying', then how it ended. */
  readonly onAttempt?: (attempt: PathAttempt & { readonly peer: string }) => void
}

interface Attempt {
  readonly peer: string
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
  const rtcConfiguration = () => {
    const attempt = current
    const watch: ReportWatch | undefined = attempt && ((report) => void (attempt.report = report))
    return { iceServers: options.iceServers().map((urls) => ({ urls })), ...(watch ? { watch } : {}) }
  }
  const begin = (peer: string): Attempt => {
    const attempt: Attempt = { peer, report: undefined }
    running.add(attempt)
    return attempt
  }
  const end = (attempt: Attempt, outcome: string) => {
    if (!running.delete(attempt)) return
    options.onAttempt?.({ peer: attempt.peer, transport: 'webrtc', what: describeReport(attempt.report), outcome: outcome === 'ok' ? 'ok' : outcomeOf(outcome, attempt.report), at: options.clock.now() })
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
  const onSignalling = (handler: StreamHandler): StreamHandler => (stream: Stream, connection: Connection) => {
    try {
      checkReady()
    } catch (error) {
      stream.abort(toMeshError(error))
      return
    }
    const attempt = begin(connection.remotePeer.toString())
    // Stock code gives no result of incoming attempts; the state of the connection is the result.
    stream.addEventListener('close', ({ error }) => end(attempt, !error && attempt.report?.state !== 'failed' ? 'ok' : 'PATH_LOST'))
    return during(attempt, () => handler(stream, connection))
  }
  const inner = webRTC({ rtcConfiguration, dataChannel: { maxBufferedAmount: MAX_BUFFERED } })(lend(components, onSignalling))
  const dial = inner.dial.bind(inner)
  return Object.assign(inner, {
    async dial(address: Multiaddr, init: DialTransportOptions): Promise<Connection> {
      checkReady()
      const attempt = begin(peerOfAddress(address.toString()) ?? '')
      try {
        const connection = await during(attempt, () => dial(address, init))
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
        if (name === 'handle') return (...[protocol, handler, init]: Parameters<Registrar['handle']>) => target.handle(protocol, onSignalling(handler), init)
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
