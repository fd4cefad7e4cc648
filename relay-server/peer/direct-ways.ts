/** How a terminal peer becomes direct: TCP between programs, WebRTC with browsers and through routers. Read from --tcp and --webrtc, or DMESH_TCP and DMESH_WEBRTC. */
import type { PathAttempt } from '../../src/core/path.ts'
import type { Transport } from '../../src/core/transport.ts'
import type { NearDialer } from '../../src/mesh/connector.ts'
import { createLazyTransport } from '../../src/mesh/lazy-transport.ts'
import { createNearDialer } from '../../src/mesh/near.ts'
import type { MeshHost } from '../../src/mesh/parts.ts'
import type { Clock } from '../../src/shared/clock.ts'
import { MeshError } from '../../src/shared/errors.ts'
import type { Log } from '../../src/shared/log.ts'
import { isDialable } from '../../src/transports/tcp/addresses.node.ts'
import { createTcp } from '../../src/transports/tcp/transport.node.ts'
import { tcpListen } from './tcp-listen.ts'

/** STUN servers asked for each connection: more find no other address. */
const MAX_STUN = 4

/** As people wrote it. */
export interface DirectOptions {
  /** HOST:PORT, PORT or off. Default every network, any port. */
  readonly tcp?: string | undefined
  /** on or off. Default on. */
  readonly webrtc?: string | undefined
  /** Announce this peer on its networks, and look for members there. Default false. */
  readonly mdns?: boolean
}

export interface DirectWays {
  readonly transports: readonly Transport[]
  readonly near?: NearDialer
  readonly canDirect: () => boolean
  /** What the dmesh.json of a relay says. */
  learn(origin: string, stun: readonly string[]): void
}

/** `mesh` = once it is there, to be told what was tried. BAD_ARGUMENT, PORT_IN_USE. */
export async function openDirectWays(options: DirectOptions, clock: Clock, log: Log, mesh: () => MeshHost | undefined): Promise<DirectWays> {
  const { tcp, webrtc = 'on' } = options
  if (webrtc !== 'on' && webrtc !== 'off') throw new MeshError('BAD_ARGUMENT', `--webrtc is "${webrtc}"; write on or off`)
  const listen = await tcpListen(tcp)
  const stun = new Map<string, readonly string[]>()
  const iceServers = () => [...new Set([...stun.values()].flat())].slice(0, MAX_STUN)
  const onAttempt = ({ peer, ...attempt }: PathAttempt & { readonly peer: string }) => mesh()?.noteAttempt(peer, attempt)
  const rtc = createLazyTransport({
    name: 'webrtc',
    log,
    matches: (address) => /\/webrtc(\/|$)/.test(address),
    async load() {
      const [{ RTCPeerConnection }, { createWebRtc }] = await Promise.all([
        import('node-datachannel/polyfill'),
        import('../../src/transports/webrtc/transport.ts'),
      ])
      return createWebRtc({ clock, iceServers, RTCPeerConnection: RTCPeerConnection as never, onAttempt })
    },
  })
  return {
    transports: [...(listen.length > 0 ? [createTcp({ clock, listen })] : []), ...(webrtc === 'on' ? [rtc] : [])],
    ...(listen.length > 0 ? { near: createNearDialer(isDialable) } : {}),
    canDirect: () => webrtc === 'on',
    learn: (origin, servers) => void stun.set(origin, servers),
  }
}
