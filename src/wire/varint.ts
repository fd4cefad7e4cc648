/** Unsigned varint, as in multiformats/unsigned-varint: 7 bits a byte, low first, shortest form only, at most 2^53-1. Never trusts a length. */
import { MeshError } from '../shared/errors.ts'

const MAX_BYTES = 8 // 8 × 7 = 56 bits ≥ 53, the largest exact integer

/** Bytes of `value` (integer, 0 … 2^53-1). */
export function encodeVarint(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) throw new MeshError('BAD_ARGUMENT', `varint of ${value}`)
  const out: number[] = []
  let rest = value
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  out.push(rest)
  return Uint8Array.from(out)
}

/** `undefined` when more bytes are needed; BAD_VARINT when it can never become one. */
export function decodeVarint(bytes: Uint8Array, offset = 0): { value: number; length: number } | undefined {
  let value = 0
  let scale = 1
  for (let i = 0; i < MAX_BYTES; i++) {
    const byte = bytes[offset + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) {
      if (i > 0 && byte === 0) throw new MeshError('BAD_VARINT', 'varint is not in its shortest form')
      if (!Number.isSafeInteger(value)) throw new MeshError('BAD_VARINT', 'varint above 2^53-1')
      return { value, length: i + 1 }
    }
  }
  throw new MeshError('BAD_VARINT', `varint longer than ${MAX_BYTES} bytes`)
}
