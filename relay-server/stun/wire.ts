/** STUN messages (RFC 8489) as far as a Binding responder needs them. Pure; the decoder is strict and drops what is not exactly one message. */
import { Buffer } from 'node:buffer'
import { isIP } from 'node:net'
import { crc32 } from 'node:zlib'

/** Bytes before the attributes. */
export const HEADER = 20
const COOKIE = 0x2112a442
const FINGERPRINT_XOR = 0x5354554e

export const TYPE = { BINDING_REQUEST: 0x0001, BINDING_SUCCESS: 0x0101, BINDING_ERROR: 0x0111 } as const

export const ATTRIBUTE = {
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  UNKNOWN_ATTRIBUTES: 0x000a,
  XOR_MAPPED_ADDRESS: 0x0020,
  PRIORITY: 0x0024,
  USE_CANDIDATE: 0x0025,
  FINGERPRINT: 0x8028,
} as const

export interface Attribute {
  readonly type: number
  /** View of the input. */
  readonly value: Uint8Array
}

export interface StunMessage {
  readonly type: number
  /** 12 bytes, view of the input. */
  readonly transaction: Uint8Array
  readonly attributes: readonly Attribute[]
}

/** Undefined for anything that is not one whole message with the cookie, a true length and, where there is a FINGERPRINT, the right one at the end. */
export function decodeStun(input: Uint8Array): StunMessage | undefined {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  if (bytes.byteLength < HEADER || (bytes.readUInt8(0) & 0xc0) !== 0 || bytes.readUInt32BE(4) !== COOKIE) return undefined
  const length = bytes.readUInt16BE(2)
  if (length % 4 !== 0 || length !== bytes.byteLength - HEADER) return undefined
  const attributes: Attribute[] = []
  for (let at = HEADER; at < bytes.byteLength; ) {
    const type = bytes.readUInt16BE(at)
    const size = bytes.readUInt16BE(at + 2)
    const end = at + 4 + size
    if (end > bytes.byteLength) return undefined
    if (
      type === ATTRIBUTE.FINGERPRINT &&
      (size !== 4 || end !== bytes.byteLength || bytes.readUInt32BE(at + 4) !== fingerprint(bytes.subarray(0, at)))
    )
      return undefined
    attributes.push({ type, value: bytes.subarray(at + 4, end) })
    at = end + padding(size)
  }
  return { type: bytes.readUInt16BE(0), transaction: bytes.subarray(8, HEADER), attributes }
}

function padding(size: number): number {
  return (4 - (size % 4)) % 4
}

function fingerprint(before: Uint8Array): number {
  return (crc32(before) ^ FINGERPRINT_XOR) >>> 0
}

/** One message with a FINGERPRINT at its end. */
export function encodeStun({ type, transaction, attributes }: StunMessage): Buffer {
  const parts: Uint8Array[] = []
  for (const { type: kind, value } of attributes) {
    const head = Buffer.alloc(4)
    head.writeUInt16BE(kind)
    head.writeUInt16BE(value.byteLength, 2)
    parts.push(head, value, Buffer.alloc(padding(value.byteLength)))
  }
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(type)
  // The length counts the FINGERPRINT that follows (RFC 8489 §14.7).
  header.writeUInt16BE(body.byteLength + 8, 2)
  header.writeUInt32BE(COOKIE, 4)
  header.set(transaction, 8)
  const before = Buffer.concat([header, body])
  const tail = Buffer.alloc(8)
  tail.writeUInt16BE(ATTRIBUTE.FINGERPRINT)
  tail.writeUInt16BE(4, 2)
  tail.writeUInt32BE(fingerprint(before), 4)
  return Buffer.concat([before, tail])
}

/** Value of XOR-MAPPED-ADDRESS (RFC 8489 §14.2). `address` is IP text without a zone. */
export function xorMappedAddress(transaction: Uint8Array, address: string, port: number): Buffer {
  const ip = addressBytes(address)
  const mask = Buffer.alloc(16)
  mask.writeUInt32BE(COOKIE)
  mask.set(transaction, 4)
  const out = Buffer.alloc(4 + ip.byteLength)
  out.writeUInt8(ip.byteLength === 4 ? 1 : 2, 1)
  out.writeUInt16BE(port ^ (COOKIE >>> 16), 2)
  for (const [index, byte] of ip.entries()) out[4 + index] = byte ^ (mask[index] as number)
  return out
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number)
  const [head = '', tail] = address.split('::')
  const words = (text: string | undefined) => (text ? text.split(':') : [])
  const left = words(head)
  const right = words(tail)
  const all = tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  const out = Buffer.alloc(16)
  for (const [index, word] of all.entries()) out.writeUInt16BE(Number.parseInt(word, 16), 2 * index)
  return out
}

/** Value of ERROR-CODE without a reason phrase: it would only make the answer longer. */
export function errorCode(code: number): Buffer {
  return Buffer.of(0, 0, Math.floor(code / 100), code % 100)
}

/** Value of UNKNOWN-ATTRIBUTES. */
export function unknownAttributes(types: readonly number[]): Buffer {
  const out = Buffer.alloc(2 * types.length)
  for (const [index, type] of types.entries()) out.writeUInt16BE(type, 2 * index)
  return out
}
