/** Noise over data channel 0, bound to both DTLS certificates, then the upgrade to a libp2p connection. Must never hand out a connection whose PeerID is not the expected one. */
import type { ComponentLogger, Connection, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { createConnection } from './connection.ts'
import type { DirectMuxerFactory } from './muxer.ts'
import type { RtcChannel, RtcPeer } from './rtc.ts'
import { DirectStream } from './stream.ts'
import { noisePrologue } from './wire.ts'

/** What libp2p gives every transport, as far as we use it. */
export interface Components {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
}

export interface Link {
  readonly peer: RtcPeer
  /** Channel 0, negotiated on both sides before the descriptions were set. */
  readonly handshake: DirectStream
  readonly muxerFactory: DirectMuxerFactory
}

export interface Fingerprints {
  readonly client: Uint8Array
  readonly server: Uint8Array
}

/** Wrap channel 0 at once: its first message may come together with 'open'. */
export function openHandshake(channel: RtcChannel, components: Components, clock: Clock): DirectStream {
  const log = components.logger.forComponent('dmesh:webrtc-direct:handshake')
  return new DirectStream({ channel, direction: 'outbound', log, clock })
}

/** What either half needs to prove keys inside the connection. */
interface SecureInit {
  readonly fingerprints: Fingerprints
  readonly components: Components
  readonly upgrader: Upgrader
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** The dialer's half: answers noise, because DTLS lets the listener speak first. KEY_MISMATCH names both PeerIDs. */
export async function secureOutbound(
  link: Link,
  init: SecureInit & {
    readonly address: Multiaddr
    /** PeerID the address names; undefined accepts anybody. */
    readonly expected: string | undefined
  },
): Promise<Connection> {
  const { upgrader, signal } = init
  const encrypter = encrypterOf(init)
  const { remotePeer } = await encrypter.secureInbound(link.handshake, { signal, skipStreamMuxerNegotiation: true })
  link.handshake.retire()
  if (init.expected !== undefined && remotePeer.toString() !== init.expected)
    throw new MeshError('KEY_MISMATCH', `dialled ${init.expected}, but ${remotePeer} answered`)
  const connection = connectionOf(link, init.address, 'outbound', init)
  return upgrader.upgradeOutbound(connection, { skipProtection: true, skipEncryption: true, remotePeer, muxerFactory: link.muxerFactory, signal })
}

/** The listener's half: starts noise and accepts whoever proves a key; access is decided above. Resolves with the PeerID. */
export async function secureInbound(
  link: Link,
  init: SecureInit & {
    /** Where the STUN request came from, without /p2p. */
    readonly address: Multiaddr
  },
): Promise<string> {
  const { upgrader, signal } = init
  const encrypter = encrypterOf(init)
  const { remotePeer } = await encrypter.secureOutbound(link.handshake, { signal, skipStreamMuxerNegotiation: true })
  link.handshake.retire()
  const connection = connectionOf(link, init.address.encapsulate(`/p2p/${remotePeer}`), 'inbound', init)
  await upgrader.upgradeInbound(connection, { skipProtection: true, skipEncryption: true, remotePeer, muxerFactory: link.muxerFactory, signal })
  return remotePeer.toString()
}

/** libp2p's components are a proxy that cannot be spread. */
function encrypterOf({ fingerprints, components, upgrader }: SecureInit) {
  const { peerId, privateKey, logger } = components
  return noise({ prologueBytes: noisePrologue(fingerprints.client, fingerprints.server) })({ peerId, privateKey, logger, upgrader })
}

function connectionOf(
  link: Link,
  remoteAddr: Multiaddr,
  direction: 'inbound' | 'outbound',
  init: { readonly components: Components; readonly clock: Clock },
) {
  const log = init.components.logger.forComponent('dmesh:webrtc-direct:connection')
  return createConnection({ peer: link.peer, remoteAddr, direction, log, clock: init.clock, flushed: link.muxerFactory.flushed })
}
