/** PeerIDs in addresses: base58btc, or CIDv1 in base32 or base36, become base58btc (libp2p peer-ids spec). Any key type: an address may lead to foreign peers. Pure; must never be used to authorise. */

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const MAX_CHARS = 80 // a CIDv1 of the longest identity hash in base32 has 75
const RAW_CHARS = 50 // 32 bytes in base36
/** An identity multihash of 36 bytes: protobuf of key type 1 and 32 bytes of key. */
const ED25519 = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20]
const MAX_IDENTITY = 42 // bytes; longer keys are named by their SHA-256

/** Undefined when it is no PeerID. */
export function peerIdText(text: string): string | undefined {
  if (text.length > MAX_CHARS) return undefined
  const multihash = decode(text)
  return multihash && isPeerId(multihash) ? toDigits(multihash, BASE58) : undefined
}

/**
 * What a site is called in DNS (design §7(b)): CIDv1 in base36 for a peer's main site; for a named one the raw Ed25519 key in base36, padded to 50, a hyphen and the
 * name, because a label has 63 characters. `peer` is base58. Undefined for what has no such label.
 */
export function siteLabel(peer: string, name = ''): string | undefined {
  const multihash = decode(peer)
  if (!multihash || !isPeerId(multihash)) return undefined
  if (name === '') return `k${toDigits(Uint8Array.of(0x01, 0x72, ...multihash), BASE36)}`
  return isEd25519(multihash) ? `${toDigits(multihash.subarray(ED25519.length), BASE36).padStart(RAW_CHARS, '0')}-${name}` : undefined
}

/** The peer (base58) and the name in a label of siteLabel(), with a CIDv1 or a base58 PeerID before the hyphen too. Undefined when there is no peer in it. */
export function readSiteLabel(label: string): { readonly peer: string; readonly name: string } | undefined {
  const hyphen = label.indexOf('-')
  const [key, name] = hyphen < 0 ? [label, ''] : [label.slice(0, hyphen), label.slice(hyphen + 1)]
  const raw = hyphen > 0 && key.length === RAW_CHARS ? fromDigits(key.replace(/^0+/, ''), BASE36) : undefined
  const peer =
    raw && raw.byteLength <= 32 ? toDigits(Uint8Array.of(...ED25519, ...new Uint8Array(32 - raw.byteLength), ...raw), BASE58) : peerIdText(key)
  return peer === undefined ? undefined : { peer, name }
}

function isEd25519(multihash: Uint8Array): boolean {
  return multihash.byteLength === ED25519.length + 32 && ED25519.every((byte, at) => multihash[at] === byte)
}

function decode(text: string): Uint8Array | undefined {
  if (/^[1Q]/.test(text)) return fromDigits(text, BASE58)
  const bytes = text.startsWith('k') ? fromDigits(text.slice(1), BASE36) : text.startsWith('b') ? fromBase32(text.slice(1)) : undefined
  // 01 CIDv1 | 72 libp2p-key | multihash
  return bytes?.[0] === 0x01 && bytes[1] === 0x72 ? bytes.subarray(2) : undefined
}

/** A SHA-256 (12 20), or the key itself (00, its length). */
function isPeerId(multihash: Uint8Array): boolean {
  const [code, length = 0] = multihash
  if (multihash.byteLength !== 2 + length) return false
  return (code === 0x12 && length === 32) || (code === 0x00 && length > 0 && length <= MAX_IDENTITY)
}

/** Big-endian digits; each leading zero digit is a zero byte. */
function fromDigits(text: string, alphabet: string): Uint8Array | undefined {
  const bytes: number[] = [] // little-endian
  for (const digit of text) {
    let carry = alphabet.indexOf(digit)
    if (carry < 0) return undefined
    for (let i = 0; i < bytes.length; i++) {
      carry += (bytes[i] ?? 0) * alphabet.length
      bytes[i] = carry & 0xff
      carry >>= 8
    }
    if (carry > 0) bytes.push(carry)
  }
  const [zero = ''] = alphabet
  for (let i = 0; i < text.length && text[i] === zero; i++) bytes.push(0)
  return Uint8Array.from(bytes.reverse())
}

function toDigits(bytes: Uint8Array, alphabet: string): string {
  const digits: number[] = [] // little-endian
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += (digits[i] ?? 0) << 8
      digits[i] = carry % alphabet.length
      carry = Math.floor(carry / alphabet.length)
    }
    for (; carry > 0; carry = Math.floor(carry / alphabet.length)) digits.push(carry % alphabet.length)
  }
  for (let i = 0; bytes[i] === 0; i++) digits.push(0)
  return digits
    .reverse()
    .map((digit) => alphabet[digit])
    .join('')
}

/** RFC 4648 §6 lower case without padding; undefined for other characters or bits left over. */
function fromBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const char of text) {
    const digit = BASE32.indexOf(char)
    if (digit < 0) return undefined
    held = ((held << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? Uint8Array.from(bytes) : undefined
}
