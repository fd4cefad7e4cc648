/** The peer connection as a libp2p multiaddr connection: no bytes of its own (every stream is a data channel), only its life. Must never outlive its peer connection. */
import type { AbortOptions, Logger, MessageStreamDirection, MultiaddrConnection } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../shared/clock.ts'
import { CLOSE_TIMEOUT, DISCONNECTED_GRACE } from './limits.ts'
import type { RtcPeer } from './rtc.ts'

export interface ConnectionInit {
  /** Owned by the connection from here on. */
  readonly peer: RtcPeer
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
  readonly clock: Clock
  /** Settles when what the streams sent last has arrived. */
  readonly flushed: () => Promise<unknown>
}

/** libp2p demands a subclass here: the base class keeps the state machine. */
class DirectConnection extends AbstractMultiaddrConnection {
  readonly #peer: RtcPeer
  readonly #clock: Clock
  readonly #flushed: () => Promise<unknown>
  #cancelGrace: (() => void) | undefined

  constructor({ peer, clock, flushed, ...init }: ConnectionInit) {
    super(init)
    this.#peer = peer
    this.#clock = clock
    this.#flushed = flushed
    peer.addEventListener('connectionstatechange', () => this.#onState(peer.connectionState))
    this.addEventListener('close', () => {
      this.#cancelGrace?.()
      peer.close()
    })
  }

  sendData(): { sentBytes: number; canSendMore: boolean } {
    throw new Error('a WebRTC connection carries bytes in data channels only')
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(CLOSE_TIMEOUT, resolve)
    options?.signal?.addEventListener('abort', () => resolve(), { once: true })
    await Promise.race([this.#flushed(), promise])
    cancel()
    this.#peer.close()
  }

  sendReset(): void {
    this.#peer.close()
  }

  sendPause(): void {}

  sendResume(): void {}

  #onState(state: string): void {
    this.#cancelGrace?.()
    this.#cancelGrace = undefined
    if (state === 'disconnected') this.#cancelGrace = this.#clock.after(DISCONNECTED_GRACE, () => this.#lost())
    else if (state === 'failed' || state === 'closed') this.#lost()
  }

  #lost(): void {
    if (this.status === 'open') this.onRemoteReset()
  }
}

export function createConnection(init: ConnectionInit): MultiaddrConnection {
  return new DirectConnection(init)
}
