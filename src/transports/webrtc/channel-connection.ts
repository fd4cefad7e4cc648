/** One ordered data channel as a libp2p connection that yamux runs on (docs/adr: one channel). Gives every stream flow control, which a data channel each does not have. */
import type { AbortOptions, Logger, MessageStreamDirection, MultiaddrConnection } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { afterTask } from '../../shared/async.ts'
import { toMeshError } from '../../shared/errors.ts'
import { markMessage, spend } from '../../shared/spent.ts'
import { CHANNEL_HIGH, CHANNEL_LOW, MESSAGE_SIZE, SAFE_MESSAGE_SIZE } from './limits.ts'

/** The part of RTCDataChannel that is used, so that the stand-in and real ones fit. */
export interface ChannelLike extends EventTarget {
  binaryType: string
  readonly readyState: string
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  send(data: Uint8Array<ArrayBuffer>): void
  /** The stand-in's: moves the bytes to the page instead of copying them once more. */
  sendOwned?(data: ArrayBuffer): void
  close(): void
}

/** The part of RTCPeerConnection that is used. */
export interface PeerConnectionLike extends EventTarget {
  readonly connectionState: string
  /** Known once descriptions were exchanged. */
  readonly sctp?: { readonly maxMessageSize: number } | null
  close(): void
}

export interface ChannelConnectionInit {
  readonly channel: ChannelLike
  readonly peerConnection: PeerConnectionLike
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
  /** Told of each message in either direction, and of the end. */
  readonly traffic?: { sent(): void; heard(): void; stop(): void }
}

/** libp2p demands a subclass here: the base class keeps the queues and the state machine. */
class ChannelConnection extends AbstractMultiaddrConnection {
  readonly #channel: ChannelLike
  readonly #peerConnection: PeerConnectionLike
  readonly #traffic: ChannelConnectionInit['traffic']
  /** Most bytes of one message. */
  readonly #size: number
  /** Frames of this task in memory of our own, and their bytes. */
  readonly #batch: Uint8Array<ArrayBuffer>[] = []
  #waiting = 0

  constructor({ channel, peerConnection, traffic, ...init }: ChannelConnectionInit) {
    const size = Math.min(MESSAGE_SIZE, peerConnection.sctp?.maxMessageSize || SAFE_MESSAGE_SIZE)
    super({ ...init, maxMessageSize: size })
    this.#size = size
    this.#channel = channel
    this.#peerConnection = peerConnection
    this.#traffic = traffic
    channel.bufferedAmountLowThreshold = CHANNEL_LOW
    channel.addEventListener('message', (event) => {
      traffic?.heard()
      const bytes = new Uint8Array((event as MessageEvent<ArrayBuffer>).data)
      markMessage(bytes)
      this.onData(bytes)
    })
    channel.addEventListener('bufferedamountlow', () => this.safeDispatchEvent('drain'))
    channel.addEventListener('close', () => this.#ended())
    peerConnection.addEventListener('connectionstatechange', () => {
      if (['closed', 'failed'].includes(peerConnection.connectionState)) this.#ended()
    })
  }

  #ended(): void {
    this.#traffic?.stop()
    if (this.status === 'closing') this.onTransportClosed()
    else if (this.status === 'open') this.onRemoteReset()
    this.#peerConnection.close()
  }

  /** What one task sends leaves in as few messages as it fits into. Copied at once: a written chunk is its writer's again when `write()` settles. */
  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const { byteLength } = data
    if (this.#waiting + byteLength > this.#size) this.#flush()
    if (this.#waiting === 0) void afterTask(() => this.#flush())
    const parts = [...data]
    this.#batch.push(joined(parts))
    this.#waiting += byteLength
    // Not at once: libp2p may still count the bytes of these views in this very turn.
    queueMicrotask(() => parts.forEach(spend))
    return { sentBytes: byteLength, canSendMore: this.#channel.bufferedAmount + this.#waiting < CHANNEL_HIGH }
  }

  #flush(): void {
    const [first, ...more] = this.#batch.splice(0)
    this.#waiting = 0
    // Whoever closed it has told this connection, or is about to.
    if (!first || this.#channel.readyState !== 'open') return
    const message = more.length > 0 ? joined([first, ...more]) : first
    try {
      if (this.#channel.sendOwned) this.#channel.sendOwned(message.buffer)
      else this.#channel.send(message)
      this.#traffic?.sent()
    } catch (error) {
      this.abort(toMeshError(error, 'PATH_LOST'))
    }
  }

  sendReset(): void {
    this.#traffic?.stop()
    this.#peerConnection.close()
  }

  /** Closes the channel first: it flushes what it holds, then both sides see `close`. */
  async sendClose(options?: AbortOptions): Promise<void> {
    this.#flush()
    this.#channel.close()
    options?.signal?.throwIfAborted()
  }

  /** SCTP has no pause; yamux stops a stream's sender by its window instead. */
  sendPause(): void {}

  sendResume(): void {}
}

/** Parts, such as yamux's header and body, one behind the other in memory of our own. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}

/** Owns both from here on: closing it closes the peer connection. */
export function createChannelConnection(init: ChannelConnectionInit): MultiaddrConnection {
  init.channel.binaryType = 'arraybuffer'
  return new ChannelConnection(init)
}
