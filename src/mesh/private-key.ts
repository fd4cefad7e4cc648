/** Our Identity in the shape libp2p wants for its private key. The key bytes do not exist here: `raw` throws. */

import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PublicKey, PrivateKey } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Identity } from '../core/identity.ts'
import { equal } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'

export function toPrivateKey(identity: Identity): PrivateKey {
  const publicKey = publicKeyFromRaw(identity.publicKey) as Ed25519PublicKey // 32 bytes
  const key = {
    type: 'Ed25519' as const,
    publicKey,
    get raw(): Uint8Array {
      throw new MeshError('INTERNAL', 'the private key never leaves its store')
    },
    equals: (other: { publicKey?: { raw?: Uint8Array } } | undefined) => equal(other?.publicKey?.raw ?? new Uint8Array(), identity.publicKey),
    sign: (message: Uint8Array | Uint8ArrayList) => identity.sign(message.subarray()),
  }
  return key
}
