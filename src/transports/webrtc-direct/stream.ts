/** One data channel as a libp2p stream: half-close by FIN and FIN_ACK, reset by RESET, back-pressure by bufferedAmount (libp2p specs webrtc/README.md). Must never take a lost channel for a finished stream. */
import type { Logger, MessageStreamDirection, StreamOptions } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { createFrameReader, encodeData, encodeFlag, FLAG, type Frame } from './frame.ts'
import { FIN_ACK_TIMEOUT, HIGH_WATER, LOW_WATER, MAX_PAYLOAD } from './limits.ts'
import type { RtcChannel } from './rtc.ts'
import { costOf, createUnread, type Unread } from './unread.ts'

export interface DirectStreamInit extends StreamOptions {
  /** Owned by the stream from here on. */
  readonly channel: RtcChannel
  readonly direction: MessageStreamDirection
  readonly log: Logger
  readonly clock: Clock
  /** Streams that wait for FIN_ACK add and remove themselves: the connection stays up for them. */
  readonly lingering?: Set<DirectStream>
  /** Counts with the other streams of the connection. Default: alone. */
  readonly unread?: Unread
}

/** libp2p demands a subclass here: the base class keeps the queues and the state machine. */
export class DirectStream extends AbstractStream {
  readonly #channel: RtcChannel
  readonly #clock: Clock
  readonly #read: (chunk: Uint8Array<ArrayBuffer>) => void
  #cancelLinger: (() => void) | undefined
  #retired = false
  /** Settles when the other side has all we sent, or never will. */
  readonly settled: Promise<void>
  readonly #settle: () => void
  readonly #lingering: Set<DirectStream> | undefined
  readonly #ledger: Unread
  /** Since the read buffer was empty last. */
  #unread = 0

  constructor({ channel, clock, lingering, unread, ...init }: DirectStreamInit) {
    // A protocol set here would make libp2p skip multistream-select, which the other side expects.
    super({ ...init, id: String(channel.id ?? 'new'), protocol: '', maxMessageSize: MAX_PAYLOAD })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.settled = promise
    this.#settle = resolve
    this.#lingering = lingering
    this.#ledger = unread ?? createUnread(() => [this])
    this.#channel = channel
    this.#clock = clock
    this.#read = createFrameReader((frame) => this.#onFrame(frame))
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = LOW_WATER
    const drained = () => {
      if (this.writableNeedsDrain) this.safeDispatchEvent('drain')
    }
    channel.addEventListener('message', (event) => this.receive((event as MessageEvent).data))
    channel.addEventListener('bufferedamountlow', drained)
    channel.addEventListener('open', drained)
    channel.addEventListener('close', () => this.#onChannelClosed())
    channel.addEventListener('error', () => this.#onChannelClosed())
    this.addEventListener('close', () => this.#onEnded())
  }

  /** One message of the channel, also one that came before the stream existed. */
  receive(data: unknown): void {
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('text on a data channel')
      this.#read(new Uint8Array(data))
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    if (this.#channel.readyState !== 'open') return { sentBytes: 0, canSendMore: false }
    try {
      for (const message of encodeData(data, data.byteLength)) this.#channel.send(message)
    } catch (error) {
      // The channel closed while its state still said open.
      throw toMeshError(error, 'STREAM_RESET')
    }
    return { sentBytes: data.byteLength, canSendMore: this.#channel.bufferedAmount < HIGH_WATER }
  }

  /** Resolves once FIN is queued: the channel itself stays until FIN_ACK, so that nothing is cut off. */
  async sendCloseWrite(): Promise<void> {
    if (!this.#sendFlag(FLAG.FIN)) return this.#settle()
    this.#lingering?.add(this)
    this.#cancelLinger = this.#clock.after(FIN_ACK_TIMEOUT, () => this.#finish())
  }

  async sendCloseRead(): Promise<void> {
    this.#sendFlag(FLAG.STOP_SENDING)
  }

  sendReset(): void {
    this.#sendFlag(FLAG.RESET)
    this.#finish()
  }

  /** Data channels cannot be told to wait: what comes is kept up to MAX_UNREAD, then the stream is reset. */
  sendPause(): void {}

  sendResume(): void {}

  /** Bytes that came and were not read, as unread.ts counts them. libp2p gives a reader all at once, so an empty buffer is the only sign. */
  get unread(): number {
    return this.readBufferLength === 0 ? 0 : this.#unread
  }

  /** The handshake is done: that its channel ends from now on is no failure. The channel stays, as it does in other implementations. */
  retire(): void {
    this.#retired = true
  }

  /** Also called when the whole connection went: what the other side did not finish is a reset, not an end. */
  override onTransportClosed(error?: Error): void {
    if (!error && !this.#retired && (this.status === 'open' || this.status === 'closing') && this.remoteWriteStatus !== 'closed') this.onRemoteReset()
    else super.onTransportClosed(error)
  }

  #onFrame({ flag, message }: Frame): void {
    if (message && message.byteLength > 0 && this.remoteWriteStatus !== 'closed') this.#take(message)
    if (flag === FLAG.FIN) {
      this.#sendFlag(FLAG.FIN_ACK)
      this.onRemoteCloseWrite()
    } else if (flag === FLAG.STOP_SENDING) this.onRemoteCloseRead()
    else if (flag === FLAG.FIN_ACK) this.#finish()
    else if (flag === FLAG.RESET) {
      this.onRemoteReset()
      this.#finish()
    }
  }

  #take(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#ledger.admit(this, message.byteLength)) {
      this.abort(new MeshError('LIMIT_REACHED', `${this.readBufferLength} bytes were not read, and a data channel cannot be told to wait`))
      return
    }
    this.#unread = this.unread + costOf(message.byteLength)
    this.onData(message)
  }

  #sendFlag(flag: number): boolean {
    if (this.#channel.readyState !== 'open') return false
    try {
      this.#channel.send(encodeFlag(flag))
      return true
    } catch {
      // The channel closed while its state still said open.
      return false
    }
  }

  #onChannelClosed(): void {
    this.#finish()
    this.onTransportClosed()
  }

  /** Both directions ended: close the channel now, or when FIN_ACK comes. */
  #onEnded(): void {
    if (!this.#cancelLinger) this.#finish()
  }

  #finish(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#lingering?.delete(this)
    this.#settle()
    if (this.status === 'open' || this.status === 'closing') return
    if (this.#channel.readyState === 'open' || this.#channel.readyState === 'connecting') this.#channel.close()
  }
}
