/** Every name of one public key as pure functions: libp2p PeerID and CIDv1, did:key, VIP, and the older DMesh names. Must never be used to authorise: a VIP is shorter than a key. */
import { sha256 } from '@noble/hashes/sha2.js'
import { base32, base32upper } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import type { IdentityNames } from '../core/identity.ts'
import { concat, equal } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { KEY_BYTES, MAX_PEER_ID_CHARS } from './limits.ts'

// identity multihash: 00 code, 24 length 36 | protobuf PublicKey: 08 01 Type = Ed25519, 12 20 Data = 32 bytes
const MULTIHASH_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
// 01 CIDv1 | 72 libp2p-key | multihash
const CID_PREFIX = Uint8Array.of(0x01, 0x72)
// ed 01 = varint 0xed, multicodec ed25519-pub
const DID_PREFIX = Uint8Array.of(0xed, 0x01)
// fd64:6d65::/32, "dme" in the ULA range (docs/adr/0005)
const VIP_PREFIX = Uint8Array.of(0xfd, 0x64, 0x6d, 0x65)
const VIP_HASH_BYTES = 12
const OLD_VIP_PREFIX = Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0)

/** All names of a raw Ed25519 public key (32 bytes). BAD_ARGUMENT for another length. */
export function namesOf(publicKey: Uint8Array): IdentityNames {
  if (publicKey.byteLength !== KEY_BYTES)
    throw new MeshError('BAD_ARGUMENT', `an Ed25519 public key has ${KEY_BYTES} bytes, got ${publicKey.byteLength}`)
  const multihash = concat([MULTIHASH_PREFIX, publicKey])
  return {
    peerId: base58btc.baseEncode(multihash),
    cid: base36.encode(concat([CID_PREFIX, multihash])),
    didKey: `did:key:${base58btc.encode(concat([DID_PREFIX, publicKey]))}`,
    vip: ipv6Text(concat([VIP_PREFIX, sha256(publicKey).subarray(0, VIP_HASH_BYTES)])),
    ...oldNamesOf(publicKey),
  }
}

/** The older DMesh's names of a raw key: 32 bytes Ed25519 or 65 bytes uncompressed P-256 (whose id is over its SHA-256). BAD_ARGUMENT otherwise. */
export function oldNamesOf(rawKey: Uint8Array): { readonly oldVip: string; readonly oldId: string } {
  const isP256 = rawKey.byteLength === 65 && rawKey[0] === 0x04
  if (rawKey.byteLength !== KEY_BYTES && !isP256)
    throw new MeshError('BAD_ARGUMENT', 'expected 32 bytes of Ed25519 or 65 bytes of uncompressed P-256')
  return {
    oldVip: ipv6Text(concat([OLD_VIP_PREFIX, rawKey.subarray(-8)])),
    oldId: base32upper.baseEncode(isP256 ? sha256(rawKey) : rawKey),
  }
}

/** The Ed25519 key inside a PeerID (base58btc, or CIDv1 in base36 or base32). Undefined when it is no PeerID or holds another kind of key. Returns a new array. */
export function publicKeyOfPeer(peer: string): Uint8Array<ArrayBuffer> | undefined {
  if (peer.length > MAX_PEER_ID_CHARS) return undefined
  const bytes = decodePeer(peer)
  if (!bytes || bytes.byteLength !== MULTIHASH_PREFIX.byteLength + KEY_BYTES) return undefined
  if (!equal(bytes.subarray(0, MULTIHASH_PREFIX.byteLength), MULTIHASH_PREFIX)) return undefined
  return Uint8Array.from(bytes.subarray(MULTIHASH_PREFIX.byteLength))
}

/** PeerID in base58btc of any accepted spelling, so that two spellings compare equal. Undefined when it holds no Ed25519 key. */
export function canonicalPeer(peer: string): string | undefined {
  const publicKey = publicKeyOfPeer(peer)
  return publicKey && base58btc.baseEncode(concat([MULTIHASH_PREFIX, publicKey]))
}

/** The identity multihash of a PeerID text; a base58 PeerID starts with `1`, a CID with its multibase letter. */
function decodePeer(peer: string): Uint8Array | undefined {
  try {
    if (peer.startsWith('1')) return base58btc.baseDecode(peer)
    const codec = peer.startsWith('k') ? base36 : peer.startsWith('b') ? base32 : undefined
    const cid = codec?.decode(peer)
    if (!cid || !equal(cid.subarray(0, CID_PREFIX.byteLength), CID_PREFIX)) return undefined
    return cid.subarray(CID_PREFIX.byteLength)
  } catch {
    return undefined
  }
}

/** RFC 5952 text of 16 bytes: lower case, no leading zeros, the first longest run of at least two zero groups as `::`. */
export function ipv6Text(address: Uint8Array): string {
  if (address.byteLength !== 16) throw new MeshError('BAD_ARGUMENT', `an IPv6 address has 16 bytes, got ${address.byteLength}`)
  const view = new DataView(address.buffer, address.byteOffset, 16)
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return best.at < 0 ? text(0, 8) : `${text(0, best.at)}::${text(best.at + best.length, 8)}`
}
