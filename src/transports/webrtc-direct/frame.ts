/** Messages on one data channel: varint length, then protobuf `Message { optional Flag flag = 1; optional bytes message = 2; }` (libp2p specs webrtc/README.md). Pure; the reader must never hold more than one message. */
import { concat } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { decodeVarint, encodeVarint } from '../../wire/varint.ts'
import { MAX_MESSAGE } from './limits.ts'

export const FLAG = { FIN: 0, STOP_SENDING: 1, RESET: 2, FIN_ACK: 3 } as const

const FLAG_FIELD = 0x08 // field 1, varint
const MESSAGE_FIELD = 0x12 // field 2, bytes

export interface Frame {
  /** One of FLAG, or a value of a newer version, to be ignored. */
  readonly flag?: number
  /** A view of the input. */
  readonly message?: Uint8Array<ArrayBuffer>
}

/** Bytes of the read buffer of go-libp2p: a longer data-channel message reaches it only when its length prefix came in a message before it. */
const GO_READ_BUFFER = 4096

/** `parts` one after the other as one frame, in one or two data-channel messages. `length` is their sum in bytes, at most MAX_PAYLOAD. Copies; each array has a buffer of its own. */
export function encodeData(parts: Iterable<Uint8Array>, length: number): readonly Uint8Array<ArrayBuffer>[] {
  const head = concat([Uint8Array.of(MESSAGE_FIELD), encodeVarint(length)])
  const prefix = encodeVarint(head.byteLength + length)
  const split = prefix.byteLength + head.byteLength + length > GO_READ_BUFFER
  const start = split ? 0 : prefix.byteLength
  const body = new Uint8Array(start + head.byteLength + length)
  if (!split) body.set(prefix)
  body.set(head, start)
  let at = start + head.byteLength
  for (const part of parts) {
    body.set(part, at)
    at += part.byteLength
  }
  return split ? [prefix, body] : [body]
}

export function encodeFlag(flag: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(2, FLAG_FIELD, flag)
}

/** One protobuf message without its length prefix. BAD_FRAME when malformed; unknown fields are skipped. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>): Frame {
  let at = 0
  let flag: number | undefined
  let message: Uint8Array<ArrayBuffer> | undefined
  const varint = () => {
    const read = decodeVarint(bytes, at)
    if (!read) throw new MeshError('BAD_FRAME', 'data channel message ends inside a number')
    at += read.length
    return read.value
  }
  const take = (length: number) => {
    if (length > bytes.byteLength - at) throw new MeshError('BAD_FRAME', 'data channel message ends inside a field')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.byteLength) {
    const tag = varint()
    if (tag === FLAG_FIELD) flag = varint()
    else if (tag === MESSAGE_FIELD) message = take(varint())
    else skip(tag, varint, take)
  }
  return { flag, message }
}

function skip(tag: number, varint: () => number, take: (length: number) => unknown): void {
  const type = tag % 8
  if (type === 0) varint()
  else if (type === 1) take(8)
  else if (type === 2) take(varint())
  else if (type === 5) take(4)
  else throw new MeshError('BAD_FRAME', `protobuf wire type ${type}`)
}

/** A reader over the bytes of one channel: messages may be split or joined by other implementations. Calls `on` for each frame, in order. */
export function createFrameReader(on: (frame: Frame) => void): (chunk: Uint8Array<ArrayBuffer>) => void {
  let rest: Uint8Array<ArrayBuffer> | undefined
  return (chunk) => {
    const bytes = rest ? concat([rest, chunk]) : chunk
    rest = undefined
    let at = 0
    while (at < bytes.byteLength) {
      const prefix = decodeVarint(bytes, at)
      if (prefix && prefix.value > MAX_MESSAGE)
        throw new MeshError('FRAME_TOO_LARGE', `data channel message of ${prefix.value} bytes, at most ${MAX_MESSAGE}`)
      const start = at + (prefix?.length ?? 0)
      if (!prefix || bytes.byteLength - start < prefix.value) {
        rest = bytes.slice(at)
        return
      }
      at = start + prefix.value
      on(decodeFrame(bytes.subarray(start, at)))
    }
  }
}
