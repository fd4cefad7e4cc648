/** The few protobuf primitives that circuit-relay-v2 and kad-dht need (proto3 encoding). Unknown fields are skipped, groups are refused; must never trust a length or read past the end. */
import { concat } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { encodeVarint } from './varint.ts'

/** One field as it lay on the wire. `bytes` is a view into the message: copy before keeping. Fixed-width fields (wire types 1 and 5) are skipped. */
export type Field = { readonly tag: number; readonly number: number } | { readonly tag: number; readonly bytes: Uint8Array }

/** Fields in one message: a reservation or an answer with as many addresses as they may have needs fewer; bounds what a hostile message costs to parse. */
export const MAX_FIELDS = 128
const MAX_VARINT_BYTES = 10 // protobuf writes uint64 in up to 10 bytes

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** Fields of one message in order. BAD_FRAME for anything malformed or more than MAX_FIELDS fields. */
export function readFields(bytes: Uint8Array): Field[] {
  const cursor = { bytes, at: 0 }
  const fields: Field[] = []
  let seen = 0
  while (cursor.at < bytes.byteLength) {
    if (++seen > MAX_FIELDS) throw new MeshError('BAD_FRAME', `message of more than ${MAX_FIELDS} fields`)
    const key = readNumber(cursor)
    const tag = Math.floor(key / 8)
    if (tag === 0 || tag > 0x1fff_ffff) throw new MeshError('BAD_FRAME', `field number ${tag}`)
    const wireType = key % 8
    if (wireType === 0) fields.push({ tag, number: readNumber(cursor) })
    else if (wireType === 2) fields.push({ tag, bytes: take(cursor, readNumber(cursor)) })
    else if (wireType === 1) take(cursor, 8)
    else if (wireType === 5) take(cursor, 4)
    else throw new MeshError('BAD_FRAME', `wire type ${wireType}`)
  }
  return fields
}

function take(cursor: Cursor, length: number): Uint8Array {
  const end = cursor.at + length
  if (end > cursor.bytes.byteLength) throw new MeshError('BAD_FRAME', `field of ${length} bytes runs past the end`)
  const part = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return part
}

/** uint64 as a number; above 2^53-1 it saturates there (only "unlimited" values are that large). Longer than the shortest form is allowed, as protobuf does. */
function readNumber(cursor: Cursor): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) throw new MeshError('BAD_FRAME', 'message ends inside a varint')
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER)
  }
  throw new MeshError('BAD_FRAME', 'varint of more than 10 bytes')
}

/** A varint field, or nothing when `value` is undefined. */
export function numberField(tag: number, value: number | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(0)
  return concat([encodeVarint(tag * 8), encodeVarint(value)])
}

/** A length-delimited field, or nothing when `value` is undefined. Copies. */
export function bytesField(tag: number, value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(0)
  return concat([encodeVarint(tag * 8 + 2), encodeVarint(value.byteLength), value])
}
