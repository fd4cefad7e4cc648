/** Ed25519 and X25519 by @noble/curves (RFC 8032, RFC 7748) where the platform lacks them. Loaded by dynamic import only, so that other browsers never download it. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import type { SealingKey, SigningKey, VerifyRaw } from './keys.ts'

/** `seed` (32 bytes) stays with the closure: do not change it afterwards. */
export function nobleSigningKey(seed: Uint8Array<ArrayBuffer>): SigningKey {
  return {
    publicKey: new Uint8Array(ed25519.getPublicKey(seed)),
    sign: async (data) => new Uint8Array(ed25519.sign(data, seed)),
  }
}

/** `secret` (32 bytes) stays with the closure: do not change it afterwards. */
export function nobleSealingKey(secret: Uint8Array<ArrayBuffer>): SealingKey {
  return {
    publicKey: new Uint8Array(x25519.getPublicKey(secret)),
    agree: async (publicKey) => new Uint8Array(x25519.getSharedSecret(secret, publicKey)),
  }
}

/** Strict RFC 8032 rules (`zip215: false`), as WebCrypto and OpenSSL have them. */
export function nobleVerify(): VerifyRaw {
  return async (publicKey, data, signature) => {
    try {
      return ed25519.verify(signature, data, publicKey, { zip215: false })
    } catch {
      return false
    }
  }
}
