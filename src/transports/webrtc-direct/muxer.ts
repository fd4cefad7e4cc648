/** Data channels of one peer connection as a libp2p stream muxer; SCTP itself does the multiplexing. Before the peer proved who it is, only a few channels and bytes are kept. */
import type { CreateStreamOptions, MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_EARLY_BYTES, MAX_EARLY_CHANNELS, MAX_STREAMS } from './limits.ts'
import { channelOf, type RtcChannel, type RtcPeer } from './rtc.ts'
import { DirectStream } from './stream.ts'
import { createUnread } from './unread.ts'

interface Early {
  readonly channel: RtcChannel
  readonly messages: ArrayBuffer[]
  adopted?: DirectStream
}

/** libp2p demands a subclass here: the base class keeps the list of streams and their life cycle. */
class DirectMuxer extends AbstractStreamMuxer<DirectStream> {
  readonly #peer: RtcPeer
  readonly #clock: Clock
  readonly lingering = new Set<DirectStream>()
  readonly #unread = createUnread(() => this.streams)

  constructor(maConn: MessageStream, peer: RtcPeer, clock: Clock) {
    super(maConn, { protocol: '/webrtc', name: 'muxer', maxEarlyStreams: MAX_EARLY_CHANNELS })
    this.#peer = peer
    this.#clock = clock
  }

  onCreateStream(options: CreateStreamOptions): DirectStream {
    if (this.streams.length >= MAX_STREAMS) throw new MeshError('LIMIT_REACHED', `${MAX_STREAMS} streams are open on this connection`)
    const channel = this.#peer.createDataChannel('')
    return new DirectStream({ ...options, ...this.#parts(), channel, direction: 'outbound' })
  }

  adopt(channel: RtcChannel): DirectStream | undefined {
    if (this.status !== 'open' || this.streams.length >= MAX_STREAMS) {
      channel.close()
      return undefined
    }
    const stream = new DirectStream({ ...this.streamOptions, ...this.#parts(), channel, direction: 'inbound' })
    this.onRemoteStream(stream)
    return stream
  }

  onData(): void {}

  #parts() {
    return { log: this.log, clock: this.#clock, lingering: this.lingering, unread: this.#unread }
  }
}

export interface DirectMuxerFactory extends StreamMuxerFactory {
  /** Settles when every stream's last bytes arrived. */
  flushed(): Promise<unknown>
}

/** Listens for channels at once; those that come before `createStreamMuxer` wait, within limits.ts. */
export function createMuxerFactory(peer: RtcPeer, clock: Clock): DirectMuxerFactory {
  const early: Early[] = []
  let earlyBytes = 0
  let muxer: DirectMuxer | undefined

  peer.addEventListener('datachannel', (event) => {
    const channel = channelOf(event)
    if (muxer) return void muxer.adopt(channel)
    if (early.length >= MAX_EARLY_CHANNELS) return channel.close()
    const entry: Early = { channel, messages: [] }
    early.push(entry)
    channel.binaryType = 'arraybuffer'
    channel.addEventListener('message', (message) => {
      const data: unknown = (message as MessageEvent).data
      if (entry.adopted) return
      earlyBytes += data instanceof ArrayBuffer ? Math.max(data.byteLength, 64) : MAX_EARLY_BYTES
      if (earlyBytes > MAX_EARLY_BYTES) return channel.close()
      entry.messages.push(data as ArrayBuffer)
    })
  })

  return {
    protocol: '/webrtc',
    createStreamMuxer(maConn) {
      const made = new DirectMuxer(maConn, peer, clock)
      muxer = made
      for (const entry of early) {
        entry.adopted = made.adopt(entry.channel)
        for (const message of entry.messages.splice(0)) entry.adopted?.receive(message)
      }
      early.length = 0
      return made
    },
    flushed: () => Promise.all([...(muxer?.lingering ?? [])].map(({ settled }) => settled)),
  }
}
