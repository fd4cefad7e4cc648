/** Kademlia's metric as libp2p has it: XOR of SHA-256 hashes. */
import { base58btc } from 'multiformats/bases/base58'
import { toUtf8 } from '../../shared/bytes.ts'

const hash = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

/** Where a key is. */
export const placeOfKey = (key: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array> => hash(typeof key === 'string' ? toUtf8(key) : key)

/** Where a peer is. Base58 only. */
export const placeOfPeer = (peer: string): Promise<Uint8Array> => hash(base58btc.baseDecode(peer) as Uint8Array<ArrayBuffer>)

/** Negative when `a` is closer to `target`. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < target.byteLength; i++) {
    const difference = ((a[i] ?? 0) ^ (target[i] ?? 0)) - ((b[i] ?? 0) ^ (target[i] ?? 0))
    if (difference !== 0) return difference
  }
  return 0
}
