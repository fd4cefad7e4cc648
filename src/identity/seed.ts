/** Keys made from a seed of 32 bytes: the claim key of an invite, a mesh key, a user key. By @noble/curves, so loaded only with what needs it. The seed is the caller's to keep or forget. */

import { namesOf } from './names.ts'
import { nobleSealingKey, nobleSigningKey } from './noble.ts'
import { deriveKey, type Opener } from './sealing.ts'

/** Signs and has a name, like Identity. */
export interface Signer {
  /** PeerID, base58. */
  readonly peer: string
  sign(data: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
}

export interface SeedKeys extends Signer {
  readonly publicKey: Uint8Array<ArrayBuffer>
  /** X25519, derived from the seed for this purpose alone. */
  readonly opener: Opener
}

export function keysOfSeed(seed: Uint8Array): SeedKeys {
  const signing = nobleSigningKey(new Uint8Array(seed))
  const sealing = nobleSealingKey(deriveKey(seed, 'dmesh-sealing'))
  return {
    peer: namesOf(signing.publicKey).peerId,
    publicKey: signing.publicKey,
    sign: (data) => signing.sign(new Uint8Array(data)),
    opener: { publicKey: sealing.publicKey, agree: (key) => sealing.agree(new Uint8Array(key)) },
  }
}
