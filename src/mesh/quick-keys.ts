/**
 * Noise's key pairs where there is no native X25519 at hand: one Montgomery ladder each (RFC 7748 §5) instead of the table that the library builds first, which
 * takes ten ladders' time and pays back only after dozens of handshakes. Must never be used where libp2p has native keys (Node.js).
 */
import { pureJsCrypto } from '@libp2p/noise'
import { x25519 } from '@noble/curves/ed25519.js'
import type { NoiseKeys } from './swarm.ts'

/** u = 9, the base point. */
const BASE = Uint8Array.of(9, ...new Uint8Array(31))

function pairOf(privateKey: Uint8Array) {
  return { privateKey, publicKey: x25519.scalarMult(privateKey, BASE) }
}

/** Everything else is what libp2p takes in browsers anyway. */
export const quickKeys: NoiseKeys = {
  ...pureJsCrypto,
  generateX25519KeyPair: () => pairOf(x25519.utils.randomSecretKey()),
  generateX25519KeyPairFromSeed: pairOf,
}
