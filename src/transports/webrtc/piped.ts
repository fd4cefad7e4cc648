/** Dial and accept over one data channel with yamux (/dmesh/webrtc/1.0.0). Used between DMesh peers; others are dialled by the stock way. Must never be signalled by anyone but the peer itself. */
import type { Connection, DialTransportOptions, Logger, MessageStreamDirection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { WebRTCTransportComponents } from '@libp2p/webrtc'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { peerOfAddress } from '../../core/address.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { watchAlive } from './alive.ts'
import { createChannelConnection } from './channel-connection.ts'
import { INBOUND_TIMEOUT } from './limits.ts'
import { type NegotiableConnection, type Negotiated, negotiate } from './negotiate.ts'

export interface PipedOptions {
  readonly components: WebRTCTransportComponents
  readonly log: Logger
  readonly clock: Clock
  /** A connection fell silent and was cut. */
  readonly onSilent: (peer: string) => void
}

/** A new RTCPeerConnection with our STUN servers. */
export type MakeConnection = () => NegotiableConnection

export interface Piped {
  /** The error is named UnsupportedProtocolError when the peer does not know this way. */
  dial(address: Multiaddr, init: DialTransportOptions, make: MakeConnection): Promise<Connection>
  /** Handler of PROTOCOL.webrtc; resolves when the connection stands. */
  accept(stream: Stream, connection: Connection, make: MakeConnection): Promise<void>
  stop(): void
}

const NO_ENCRYPTION = { skipEncryption: true, skipProtection: true } as const // DTLS encrypts; its fingerprints came over Noise

export function createPiped({ components, log, clock, onSilent }: PipedOptions): Piped {
  const live = new Set<NegotiableConnection>()
  const own = (make: MakeConnection): NegotiableConnection => {
    const pc = make()
    live.add(pc)
    pc.addEventListener('close', () => live.delete(pc))
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'closed') live.delete(pc)
    })
    return pc
  }
  /** As libp2p takes it, and cut when it falls silent. */
  const connect = (
    { channel, alive }: Negotiated,
    peerConnection: NegotiableConnection,
    remoteAddr: Multiaddr,
    direction: MessageStreamDirection,
  ) => {
    const onDead = (silent: number) => {
      onSilent(peerOfAddress(remoteAddr.toString()) ?? '')
      maConn.abort(new MeshError('PATH_LOST', `nothing came for ${silent} ms`))
    }
    const traffic = watchAlive({
      channel: alive,
      peerConnection,
      clock,
      side: direction === 'outbound' ? 'caller' : 'called',
      others: () => live.size,
      onDead,
    })
    const maConn = createChannelConnection({ channel, peerConnection, remoteAddr, direction, log, traffic })
    return maConn
  }
  const drop = (pc: NegotiableConnection) => {
    live.delete(pc)
    pc.close()
  }
  return {
    async dial(address, init, make) {
      const peer = peerOfAddress(address.toString())
      if (!peer) throw new MeshError('BAD_ARGUMENT', `no peer at the end of ${address}`)
      const remotePeer = peerIdFromString(peer)
      const stream = await openSignalling(components, address, peer, init)
      const pc = own(make)
      try {
        const maConn = connect(await negotiate(stream, pc, 'offer', init.signal), pc, address, 'outbound')
        return await init.upgrader.upgradeOutbound(maConn, { ...init, ...NO_ENCRYPTION, remotePeer })
      } catch (error) {
        drop(pc)
        throw error
      }
    },
    async accept(stream, connection, make) {
      const signal = AbortSignal.timeout(INBOUND_TIMEOUT)
      const pc = own(make)
      try {
        const remoteAddr = multiaddr(`/webrtc/p2p/${connection.remotePeer}`)
        const maConn = connect(await negotiate(stream, pc, 'answer', signal), pc, remoteAddr, 'inbound')
        await components.upgrader.upgradeInbound(maConn, { ...NO_ENCRYPTION, remotePeer: connection.remotePeer, signal })
      } catch (error) {
        drop(pc)
        throw toMeshError(error, 'PATH_LOST')
      }
    },
    stop() {
      for (const pc of live) pc.close()
      live.clear()
    },
  }
}

/** A stream to the peer over any connection we have, else over the relay named in the address. */
async function openSignalling(
  components: WebRTCTransportComponents,
  address: Multiaddr,
  peer: string,
  { signal }: DialTransportOptions,
): Promise<Stream> {
  const live = components.connectionManager.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open')
  const circuit = multiaddr(address.toString().replace('/webrtc/', '/'))
  const connection = live ?? (await components.transportManager.dial(circuit, { signal }))
  return connection.newStream(PROTOCOL.webrtc, { signal, runOnLimitedConnection: true })
}
