/** SHA-256 (FIPS 180-4) piece by piece on node:crypto, which uses the processor's own instructions. */
import { createHash } from 'node:crypto'
import type { IncrementalHash } from '../core/stores.ts'

export function createNodeSha256(): IncrementalHash {
  const hash = createHash('sha256')
  return {
    update: (chunk) => void hash.update(chunk),
    peek: () => hash.copy().digest('hex'),
    digest: () => hash.digest('hex'),
  }
}
