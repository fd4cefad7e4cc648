/** CPace (draft-irtf-cfrg-cpace, suite CPACE-RISTR255-SHA512): two sides with the same short secret get the same key, and whoever guesses has one try a run. By @noble/curves. Must never use one scalar twice, nor go on with a share that is no point or the neutral one. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'

const DSI = toUtf8('CPaceRistretto255')
const DSI_ISK = toUtf8('CPaceRistretto255_ISK')
const BLOCK = 128 // bytes, input block of SHA-512
const EMPTY = new Uint8Array()

export interface PakeInput {
  /** What both know. */
  readonly secret: Uint8Array
  /** Who talks to whom; must be the same on both sides. */
  readonly channel: Uint8Array
  /** Of this run. */
  readonly session: Uint8Array
}

export interface PakeRun {
  /** 32 bytes for the other side. */
  readonly share: Uint8Array<ArrayBuffer>
  /** 64 bytes; call once. BAD_FRAME for a share that must not be used. */
  finish(theirs: Uint8Array, role: 'first' | 'second'): Uint8Array<ArrayBuffer>
}

/** `scalar`: 32 bytes little-endian, for the draft's own examples; else random. */
export function startPake({ secret, channel, session }: PakeInput, scalar: Uint8Array = randomScalar()): PakeRun {
  const generator = ristretto255_hasher.deriveToCurve?.(sha512(generatorString(secret, channel, session)))
  if (!generator) throw new MeshError('NOT_SUPPORTED', 'no map to ristretto255')
  const y = numberOf(scalar)
  const share = new Uint8Array(generator.multiply(y).toBytes())
  return {
    share,
    finish(theirs, role) {
      const shared = pointOf(theirs).multiply(y).toBytes()
      const [first, second] = role === 'first' ? [share, theirs] : [theirs, share]
      const transcript = concat([lengthValue(first), lengthValue(EMPTY), lengthValue(second), lengthValue(EMPTY)])
      return intermediateKey(session, shared, transcript)
    },
  }
}

export function generatorString(secret: Uint8Array, channel: Uint8Array, session: Uint8Array): Uint8Array<ArrayBuffer> {
  const zeros = new Uint8Array(Math.max(0, BLOCK - 1 - lengthValue(secret).byteLength - lengthValue(DSI).byteLength))
  return concat([DSI, secret, zeros, channel, session].map(lengthValue))
}

export function intermediateKey(session: Uint8Array, shared: Uint8Array, transcript: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha512(concat([lengthValue(DSI_ISK), lengthValue(session), lengthValue(shared), transcript])))
}

/** Length as LEB128, then the bytes. */
export function lengthValue(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head: number[] = []
  let left = bytes.byteLength
  for (; left > 127; left >>= 7) head.push((left & 127) | 128)
  return concat([Uint8Array.of(...head, left), bytes])
}

function pointOf(bytes: Uint8Array) {
  try {
    const point = ristretto255.Point.fromBytes(bytes)
    if (!point.is0()) return point
  } catch {
    // Said below.
  }
  throw new MeshError('BAD_FRAME', 'the share of the other side is no point')
}

function randomScalar(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  bytes[31] = (bytes[31] as number) & 0x0f // below 2^252, so below the order
  return bytes
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}
