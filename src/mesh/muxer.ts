/** yamux and multistream-select as they are on the wire, in fewer messages: a stream's first frame opens it and names its protocol, windows are given back in steps, and whoever knows that the peer speaks a protocol does not wait for its yes (docs/adr/0011). Leans on the pinned @libp2p/yamux. */
import type { MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { afterTask } from '../shared/async.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { WINDOW_STEP, YES_DELAY } from './limits.ts'

/** Given to `newStream()` with the libp2p options: send at once, the answer is checked when it comes. Only for a protocol that the peer has agreed to before. */
export interface EagerOption {
  readonly eager?: boolean
}

/** What is used of a stream of yamux beside its interface. */
interface YamuxStream extends Stream {
  readonly readBufferLength: number
  readonly readBuffer: Uint8ArrayList
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
  onData(data: Uint8Array | Uint8ArrayList): void
  onRemoteCloseWrite(): void
}

/** The same of the muxer. */
interface YamuxMuxer {
  _newStream(...args: readonly unknown[]): YamuxStream
  createStream(options?: { readonly protocol?: string } & EagerOption): Promise<Stream>
  safeDispatchEvent(type: string, init: { readonly detail: unknown }): boolean
}

/** `offered` = protocols with a handler here. */
export function thrifty(factory: StreamMuxerFactory, offered: () => readonly string[]): StreamMuxerFactory {
  const create = factory.createStreamMuxer.bind(factory)
  return Object.assign(factory, { createStreamMuxer: (...args: Parameters<typeof create>) => tune(create(...args), offered) })
}

function tune(muxer: StreamMuxer, offered: () => readonly string[]): StreamMuxer {
  const inner = muxer as unknown as YamuxMuxer
  const make = inner._newStream.bind(muxer)
  const open = inner.createStream.bind(muxer)
  const dispatch = inner.safeDispatchEvent.bind(muxer)
  return Object.assign(muxer, {
    _newStream: (...args: readonly unknown[]) => withSteps(make(...args)),
    async createStream(options: Parameters<typeof open>[0] = {}) {
      const stream = await open(options)
      if (options.eager && options.protocol) {
        stream.protocol = options.protocol
        askAhead(stream, options.protocol)
      }
      return stream
    },
    safeDispatchEvent(type: string, init: { readonly detail: unknown }) {
      if (type !== 'stream') return dispatch(type, init)
      meet(init.detail as YamuxStream, offered, () => dispatch(type, init))
      return true
    },
  })
}

/** yamux tells its window after every frame, however small, and opens a stream by such a frame alone. The flags ride on the first bytes as well. */
function withSteps(stream: YamuxStream): YamuxStream {
  const tell = stream.sendWindowUpdate.bind(stream)
  return Object.assign(stream, {
    sendWindowUpdate() {
      if (stream.recvWindow - stream.recvWindowCapacity >= WINDOW_STEP) tell()
    },
  })
}

/** The opener of a stream, or of a connection that has to be encrypted: what follows the question may be sent at once; nothing is read before the peer has said the same. A peer that names multistream-select before it is asked, as go-libp2p does, may have been heard already. */
export function askAhead(asked: MessageStream, protocol: string): void {
  const stream = asked as YamuxStream
  const expected = agreement(protocol)
  let at = 0
  const refused = () => stream.abort(new MeshError('UNKNOWN_PROTOCOL', `the peer does not offer ${protocol}`))
  const restore = replace(stream, {
    onData(data) {
      const bytes = data.subarray()
      const length = Math.min(bytes.byteLength, expected.byteLength - at)
      for (let i = 0; i < length; i++) if (bytes[i] !== expected[at++]) return refused()
      if (at < expected.byteLength) return
      restore()
      stream.onData(bytes.subarray(length))
    },
    onRemoteCloseWrite() {
      // An end without a yes must not look like the end of an empty answer.
      if (stream.status === 'open') refused()
    },
  })
  const early = stream.readBuffer.slice()
  stream.readBuffer.consume(early.byteLength)
  stream.onData(early)
  void afterTask(ahead(stream, expected))
}

/** `bytes` go out with the next ones that are sent, before the end of sending, or when the function that is returned is called. Others may have put their own methods over these. */
function ahead(stream: YamuxStream, bytes: Uint8Array<ArrayBuffer>): () => void {
  const { send, close } = stream
  let waiting = true
  const tell = () => {
    if (!waiting || stream.writeStatus !== 'writable') return
    waiting = false
    try {
      send.call(stream, bytes)
    } catch (error) {
      // A timer or the end of a task calls this, and nobody hears them: what runs below was closed, so this ends too.
      stream.abort(toMeshError(error, 'PATH_LOST'))
    }
  }
  replace(stream, {
    send(data) {
      const list = waiting ? new Uint8ArrayList(bytes, data) : data
      waiting = false
      return send.call(stream, list)
    },
    close(options) {
      tell()
      return close.call(stream, options)
    },
  })
  return tell
}

/** The side that is opened: when the first frame asks for a protocol that has a handler, say yes in one frame too. Whatever else comes is left to libp2p. */
function meet(stream: YamuxStream, offered: () => readonly string[], dispatch: () => void): void {
  if (stream.protocol !== '' || stream.readBufferLength > 0) return dispatch()
  let met = false
  const go = () => {
    if (met) return
    met = true
    restore()
    dispatch()
  }
  const restore = replace(stream, {
    onData(data) {
      const bytes = data.subarray()
      const asked = stream.status === 'open' ? protocolAsked(bytes) : undefined
      const agreed = asked !== undefined && offered().includes(asked) ? agreement(asked) : undefined
      if (asked && agreed) {
        stream.protocol = asked
        agree(stream, agreed, bytes.byteLength > agreed.byteLength)
      }
      go()
      stream.onData(agreed ? bytes.subarray(agreed.byteLength) : bytes)
    },
  })
  // The bytes come with the frame that opens it, or libp2p waits for them.
  queueMicrotask(go)
}

/** Who sends bytes behind its question does not wait for the yes: it may come with the answer to them. */
function agree(stream: YamuxStream, yes: Uint8Array<ArrayBuffer>, eager: boolean): void {
  const tell = ahead(stream, yes)
  if (!eager) return tell()
  const timer = setTimeout(tell, YES_DELAY)
  stream.addEventListener('close', () => clearTimeout(timer))
}

type Methods = Pick<YamuxStream, 'onData' | 'onRemoteCloseWrite' | 'send' | 'close'>

/** Puts these in place of the stream's own; the function that is returned puts its own back. */
function replace(stream: YamuxStream, methods: Partial<Methods>): () => void {
  const own = Object.fromEntries(Object.keys(methods).map((name) => [name, stream[name as keyof Methods]]))
  Object.assign(stream, methods)
  return () => void Object.assign(stream, own)
}

const HEADER = '\x13/multistream/1.0.0\n'
const MAX_ONE_BYTE = 127 // ids are at most 121 characters (open.ts, handlers.ts), so their length is a varint of one byte

/** multistream-select 1.0.0: header and protocol, each with its length in front and a newline behind. The yes is the same as the question. */
function agreement(protocol: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${HEADER}${String.fromCharCode(protocol.length + 1)}${protocol}\n`)
}

/** The protocol that these bytes start by asking for, when they ask in the usual way. */
function protocolAsked(bytes: Uint8Array): string | undefined {
  const start = HEADER.length
  const length = bytes[start] ?? 0
  if (length < 2 || length > MAX_ONE_BYTE || bytes.byteLength < start + 1 + length) return undefined
  const text = String.fromCharCode(...bytes.subarray(0, start + 1 + length))
  return text.startsWith(HEADER) && text.endsWith('\n') ? text.slice(start + 1, -1) : undefined
}
