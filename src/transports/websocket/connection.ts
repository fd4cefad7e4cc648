/** One open WebSocket as a libp2p multiaddr connection, with back-pressure on the sending side and everything that is sent at once in one message. Used by the dialer (browser and Node.js) and by the listener. Must never buffer more than limits.ts says. */
import type { AbortOptions, Logger, MessageStreamDirection, MultiaddrConnection } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { LOW_WATER, MAX_BATCH, MAX_BUFFERED, POLL_INTERVAL } from './limits.ts'

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
  /** What was handed over in this task and not yet sent. */
  readonly #batch = new Uint8ArrayList()
  #poll: ReturnType<typeof setInterval> | undefined

  constructor({ socket, ...init }: ConnectionInit) {
    super({ ...init, maxMessageSize: MAX_BATCH })
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.onData(new Uint8Array(data))
      // Never a Buffer, whose slice() is no copy: whoever gives such a "copy" away would take the memory of `ws` along.
      else if (data instanceof Uint8Array) this.onData(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
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
    const { byteLength } = data // the list is libp2p's: it may be emptied once it was sent
    if (this.#batch.byteLength + byteLength > MAX_BATCH) this.#flush()
    // A message of its own for each piece (length, header, ciphertext, tag) would cost both ends more than the bytes do.
    if (this.#batch.byteLength === 0) queueMicrotask(() => this.#flush())
    this.#batch.append(data)
    const canSendMore = this.#socket.bufferedAmount + this.#batch.byteLength < MAX_BUFFERED
    if (!canSendMore) this.#startPolling()
    return { sentBytes: byteLength, canSendMore }
  }

  sendReset(): void {
    this.#batch.consume(this.#batch.byteLength)
    this.#stopPolling()
    if (this.#socket.terminate) this.#socket.terminate()
    else this.#socket.close()
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    this.#flush()
    this.#socket.close()
    options?.signal?.throwIfAborted()
  }

  sendPause(): void {
    this.#socket.pause?.()
  }

  sendResume(): void {
    this.#socket.resume?.()
  }

  #flush(): void {
    const { byteLength } = this.#batch
    if (byteLength === 0) return
    const message = this.#batch.subarray()
    this.#batch.consume(byteLength)
    try {
      this.#socket.send(message as Uint8Array<ArrayBuffer>)
    } catch (error) {
      // nobody up there hears of it from a microtask, and on Node.js it would end the process
      this.abort(error instanceof Error ? error : new Error('the socket does not send'))
    }
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
  // `ws` copies into an ArrayBuffer what it has as a Buffer already.
  init.socket.binaryType = init.socket.terminate ? 'nodebuffer' : 'arraybuffer'
  return new WebSocketConnection(init)
}
