/** PeerIDs in addresses: base58btc, or CIDv1 in base32 or base36, become base58btc (libp2p peer-ids spec). Any key type: an address may lead to foreign peers. Pure; must never be used to authorise. */

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const MAX_CHARS = 80 // a CIDv1 of the longest identity hash in base32 has 75
const MAX_IDENTITY = 42 // bytes; longer keys are named by their SHA-256

/** Undefined when it is no PeerID. */
export function peerIdText(text: string): string | undefined {
  if (text.length > MAX_CHARS) return undefined
  const multihash = decode(text)
  return multihash && isPeerId(multihash) ? toBase58(multihash) : undefined
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

function toBase58(bytes: Uint8Array): string {
  const digits: number[] = [] // little-endian
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += (digits[i] ?? 0) << 8
      digits[i] = carry % BASE58.length
      carry = Math.floor(carry / BASE58.length)
    }
    for (; carry > 0; carry = Math.floor(carry / BASE58.length)) digits.push(carry % BASE58.length)
  }
  for (let i = 0; bytes[i] === 0; i++) digits.push(0)
  return digits
    .reverse()
    .map((digit) => BASE58[digit])
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
