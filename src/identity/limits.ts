/** Numbers of the identity room: unit, what each guards, why this value. */

/** Bytes of an Ed25519 or X25519 key, public or secret (RFC 8032, RFC 7748). */
export const KEY_BYTES = 32

/** Bytes of an Ed25519 signature (RFC 8032). */
export const SIGNATURE_BYTES = 64

/** Characters of a PeerID we look at; the longest accepted spelling (CIDv1 base32) has 65. Guards the quadratic base58 and base36 decoders. */
export const MAX_PEER_ID_CHARS = 80

/** Imported public keys kept for verification. Guards memory; a busy relay talks to about as many peers at once, older ones are imported again in 50 µs. */
export const MAX_CACHED_KEYS = 256

/** Bytes of an identity file that are read. Guards memory; a real one has under 500. */
export const MAX_IDENTITY_FILE_BYTES = 16_384
