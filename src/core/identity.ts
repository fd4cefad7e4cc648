/** Contract of who we are: names and signing, never key bytes. Implemented by the identity room. */

export interface Identity {
  /** PeerID, base58btc (12D3Koo…). */
  readonly peer: string
  /** Raw Ed25519 public key, 32 bytes. Copy before changing. */
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly names: IdentityNames
  /** Public half of the sealing key (X25519, 32 bytes) with the device key's signature over it. */
  readonly sealing: { readonly publicKey: Uint8Array<ArrayBuffer>; readonly signature: Uint8Array<ArrayBuffer> }
  /** True when this start made the key. */
  readonly isNew: boolean
  /** Ed25519 over `data` (RFC 8032), 64 bytes. */
  sign(data: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
  /** Check an Ed25519 signature of any peer (PeerID, base58). False for a wrong one and for a PeerID without an Ed25519 key inside. */
  verify(peer: string, data: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** X25519 shared secret with `publicKey` (RFC 7748), 32 bytes. */
  agree(publicKey: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
}

/** Every name of one key; all computed from the 32 bytes. Vectors: tests/vectors/identity.json. */
export interface IdentityNames {
  readonly peerId: string
  /** CIDv1 libp2p-key, base36: fits a DNS label. */
  readonly cid: string
  readonly didKey: string
  /** fd64:6d65::/32 + first 12 bytes of SHA-256(public key), RFC 5952 text. */
  readonly vip: string
  /** Older DMesh: fd00::/64 + last 8 bytes of the raw key. */
  readonly oldVip: string
  /** Older DMesh: base32 (RFC 4648, no padding) of the raw key, 52 characters. */
  readonly oldId: string
}
