/** SHA-256 (FIPS 180-4) piece by piece, for places without node:crypto. WebCrypto has no incremental digest; a wasm one was 25 % faster and would cost a CSP exception. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { IncrementalHash } from '../core/stores.ts'
import { toHex } from '../shared/bytes.ts'

export function createSha256(): IncrementalHash {
  const hash = sha256.create()
  return {
    update: (chunk) => void hash.update(chunk),
    peek: () => toHex(hash.clone().digest()),
    digest: () => toHex(hash.digest()),
  }
}
