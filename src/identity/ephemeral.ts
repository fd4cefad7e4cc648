/** An identity that lives in memory only, for tests and one-off commands. Must never be stored. */
import type { Identity } from '../core/identity.ts'
import { createIdentity } from './keys.ts'
import { createVerifier, generateKey, webSealingKey, webSigningKey } from './web-crypto.ts'

export interface EphemeralOptions {
  /** 32 bytes: the same seed gives the same peer. By @noble/curves. Default: a random key. */
  readonly seed?: Uint8Array
  /** False forces @noble/curves. Default true. */
  readonly webCrypto?: boolean
}

/** A new identity; its keys go with the last reference. */
export async function createEphemeralIdentity(options: EphemeralOptions = {}): Promise<Identity> {
  const byPlatform = options.seed === undefined && options.webCrypto !== false
  const signing = byPlatform ? await generateKey('Ed25519') : undefined
  const sealing = byPlatform ? await generateKey('X25519') : undefined
  const verifyRaw = createVerifier(options)
  if (signing && sealing) return createIdentity({ signing: webSigningKey(signing), sealing: webSealingKey(sealing), verifyRaw, isNew: true })
  const { nobleSigningKey, nobleSealingKey } = await import('./noble.ts')
  const seed = options.seed ? new Uint8Array(options.seed) : crypto.getRandomValues(new Uint8Array(32))
  // Both keys may come from one seed: Ed25519 hashes it with SHA-512 before use, X25519 takes it as it is.
  return createIdentity({ signing: nobleSigningKey(seed), sealing: nobleSealingKey(seed), verifyRaw, isNew: true })
}
