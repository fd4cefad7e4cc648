/** webrtc-direct as a libp2p transport: dials everywhere, listens where a listener is given (Node.js). Speaks v1 and v2 of the handshake; same wire as @libp2p/webrtc and go-libp2p. Must never touch a global RTCPeerConnection. */
import { type CreateListenerOptions, type DialTransportOptions, type Listener, transportSymbol } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Transport } from '../../core/transport.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { createDialer, parseTarget } from './client.ts'
import type { Components } from './handshake.ts'
import type { RtcPeerConstructor } from './rtc.ts'
import type { Version } from './wire.ts'

export interface WebRtcDirectOptions {
  /** The browser's, the worker's stand-in, or `nodePeerConnection` on Node.js. Absent: cannot dial. */
  readonly RTCPeerConnection?: RtcPeerConstructor
  readonly clock: Clock
  readonly log: Log
  /** Versions to dial, in this order. Default [2, 1]. */
  readonly versions?: readonly Version[]
  /** Makes the listener; absent in browsers. See `createDirectDoor`. */
  readonly createListener?: (options: CreateListenerOptions, components: Components) => Listener
  /** Multiaddrs to listen on, e.g. '/ip4/0.0.0.0/udp/4002/webrtc-direct'. */
  readonly listen?: readonly string[]
}

export function createWebRtcDirect(options: WebRtcDirectOptions): Transport {
  return {
    name: 'webrtc-direct',
    listen: options.listen ?? [],
    matches: (text) => options.RTCPeerConnection !== undefined && canDial(text),
    factory: (components: Components) => createLibp2pTransport(options, components),
  }
}

function canDial(text: string): boolean {
  try {
    return parseTarget(multiaddr(text)) !== undefined
  } catch {
    return false
  }
}

const LISTEN = /^\/ip[46]\/[^/]+\/udp\/\d+\/webrtc-direct$/

function createLibp2pTransport(options: WebRtcDirectOptions, components: Components) {
  const { RTCPeerConnection, clock, log, versions } = options
  const dialer = RTCPeerConnection ? createDialer({ RTCPeerConnection, clock, log, components, versions }) : undefined
  return {
    [transportSymbol]: true as const,
    [Symbol.toStringTag]: 'dmesh/webrtc-direct',
    listenFilter: (addresses: Multiaddr[]) => (options.createListener ? addresses.filter((address) => LISTEN.test(address.toString())) : []),
    dialFilter: (addresses: Multiaddr[]) => (dialer ? addresses.filter((address) => parseTarget(address) !== undefined) : []),
    createListener(init: CreateListenerOptions): Listener {
      if (!options.createListener) throw new MeshError('NOT_SUPPORTED', 'browsers cannot listen on webrtc-direct')
      return options.createListener(init, components)
    },
    async dial(address: Multiaddr, init: DialTransportOptions) {
      if (!dialer) throw new MeshError('NOT_SUPPORTED', 'no RTCPeerConnection here')
      return dialer(address, init)
    },
  }
}
