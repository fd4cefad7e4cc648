/** One open WebSocket as a libp2p multiaddr connection, with back-pressure on the sending side. Used by the dialer (browser and Node.js) and by the listener. Must never buffer more than limits.ts says. */
import type { AbortOptions, Logger, MessageStreamDirection, MultiaddrConnection } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { LOW_WATER, MAX_BUFFERED, POLL_INTERVAL } from './limits.ts'

/** What both the web's WebSocket and the `ws` package offer. */
export interface SocketLike {
  binaryType: string
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'open', listen: () => void): void
  addEventListener(type: 'message', listen: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listen: (event: { wasClean: boolean }) => void): void
  addEventListener(type: 'error', listen: () => void): void
}

/** Only where the socket can stop reading (`ws` on Node.js). */
export interface PausableSocket {
  pause?(): void
  resume?(): void
  terminate?(): void
}

export interface ConnectionInit {
  readonly socket: SocketLike & PausableSocket
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
}

/** libp2p demands a subclass here: the base class keeps the queues and the state machine. */
class WebSocketConnection extends AbstractMultiaddrConnection {
  readonly #socket: SocketLike & PausableSocket
  #poll: ReturnType<typeof setInterval> | undefined

  constructor({ socket, ...init }: ConnectionInit) {
    super(init)
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.onData(new Uint8Array(data))
      else this.abort(new Error('text frame on a binary connection'))
    })
    socket.addEventListener('close', ({ wasClean }) => {
      this.#stopPolling()
      if (wasClean) this.onTransportClosed()
      else if (this.status === 'open' || this.status === 'closing') this.onRemoteReset()
    })
    // A failing socket always closes too; without a listener Node.js would throw.
    socket.addEventListener('error', () => undefined)
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    for (const chunk of data) this.#socket.send(chunk as Uint8Array<ArrayBuffer>)
    const canSendMore = this.#socket.bufferedAmount < MAX_BUFFERED
    if (!canSendMore) this.#startPolling()
    return { sentBytes: data.byteLength, canSendMore }
  }

  sendReset(): void {
    this.#stopPolling()
    if (this.#socket.terminate) this.#socket.terminate()
    else this.#socket.close()
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    this.#socket.close()
    options?.signal?.throwIfAborted()
  }

  sendPause(): void {
    this.#socket.pause?.()
  }

  sendResume(): void {
    this.#socket.resume?.()
  }

  #startPolling(): void {
    this.#poll ??= setInterval(() => {
      if (this.#socket.bufferedAmount > LOW_WATER) return
      this.#stopPolling()
      this.safeDispatchEvent('drain')
    }, POLL_INTERVAL)
  }

  #stopPolling(): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }
}

/** The connection owns the socket from here on. */
export function createConnection(init: ConnectionInit): MultiaddrConnection {
  init.socket.binaryType = 'arraybuffer'
  return new WebSocketConnection(init)
}
