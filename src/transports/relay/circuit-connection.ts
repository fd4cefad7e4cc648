/** A relayed stream as a libp2p multiaddr connection, for either end of a circuit. Must never hold more than the stream's own buffers, and counts what a limited circuit has left. */
import type { AbortOptions, ConnectionLimits, MultiaddrConnection, Stream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Clock } from '../../shared/clock.ts'
import { LOW_WATER } from './limits.ts'
import type { WireLimit } from './wire.ts'

/** libp2p demands a subclass here: the base class keeps the queues and the state machine. */
class CircuitConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream
  readonly #spend: (bytes: number) => void

  constructor(stream: Stream, remoteAddr: Multiaddr, spend: (bytes: number) => void) {
    super({ remoteAddr, direction: stream.direction, log: stream.log.newScope('circuit') })
    this.#stream = stream
    this.#spend = spend
    stream.addEventListener('close', ({ error }) => this.onTransportClosed(error))
    // after the last byte was delivered, not when the half-close arrived
    stream.addEventListener('end', () => {
      this.onRemoteCloseWrite()
      this.close().catch((error: unknown) => this.abort(error instanceof Error ? error : new Error('close failed')))
    })
    stream.addEventListener('message', ({ data }) => {
      spend(data.byteLength)
      this.onData(data)
    })
    // a yamux stream drains at each window update, with most of its queue still unsent: passing every one on would let the queue grow without end
    const onProgress = () => queueMicrotask(() => this.#wakeWriter())
    stream.addEventListener('drain', onProgress)
    stream.addEventListener('idle', onProgress)
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    this.#spend(data.byteLength)
    const { byteLength } = data
    return { sentBytes: byteLength, canSendMore: this.#stream.send(data) }
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    await this.#stream.close(options)
  }

  sendReset(error: Error): void {
    this.#stream.abort(error)
  }

  sendPause(): void {
    this.#stream.pause()
  }

  sendResume(): void {
    this.#stream.resume()
  }

  #wakeWriter(): void {
    if (!this.writableNeedsDrain || this.#stream.writableNeedsDrain || this.#stream.writeBufferLength > LOW_WATER) return
    this.safeDispatchEvent('drain')
  }
}

/** The connection owns `stream`. `limits` is what libp2p shows as `connection.limits`; undefined for an unlimited circuit. */
export function createCircuitConnection(
  stream: Stream,
  remoteAddr: Multiaddr,
  limit: WireLimit | undefined,
  clock: Clock,
): { readonly connection: MultiaddrConnection; readonly limits: ConnectionLimits | undefined } {
  const ends = limit?.duration ? clock.monotonic() + limit.duration * 1000 : undefined
  let left = limit?.data ? limit.data : undefined
  const spend = (bytes: number) => {
    if (left !== undefined) left = Math.max(0, left - bytes)
  }
  const connection = new CircuitConnection(stream, remoteAddr, spend)
  if (ends === undefined && left === undefined) return { connection, limits: undefined }
  const limits = {
    get bytes() {
      return left === undefined ? undefined : BigInt(left)
    },
    get seconds() {
      return ends === undefined ? undefined : Math.max(0, Math.round((ends - clock.monotonic()) / 1000))
    },
  }
  return { connection, limits }
}
