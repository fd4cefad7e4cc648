/**
 * X25519 (RFC 7748) by the Montgomery ladder of @noble/curves alone: no curve in Edwards form and no table of its points, which a browser would load and build for
 * keys that it uses once. Must never be used where the platform's own X25519 can be called at once (Node.js).
 */
import { pow2 } from '@noble/curves/abstract/modular.js'
import { montgomery } from '@noble/curves/abstract/montgomery.js'

/** 2^255 - 19 (RFC 7748 §4.1). */
const P = 2n ** 255n - 19n

/** RFC 7748 §5: a multiple of the cofactor, of one length. */
function clamp(bytes: Uint8Array): Uint8Array {
  bytes[0] = (bytes[0] ?? 0) & 0b1111_1000
  bytes[31] = ((bytes[31] ?? 0) & 0b0111_1111) | 0b0100_0000
  return bytes
}

/** 1/x = x^(P-2), and P-2 = (2^250 - 1)·2^5 + 11: powers of x whose exponents are all ones are put together from shorter ones. */
function invert(x: bigint): bigint {
  const join = (high: bigint, bits: bigint, low: bigint) => (pow2(high, bits, P) * low) % P
  const ones2 = join(x, 1n, x)
  const ones4 = join(ones2, 2n, ones2)
  const ones5 = join(ones4, 1n, x)
  const ones10 = join(ones5, 5n, ones5)
  const ones20 = join(ones10, 10n, ones10)
  const ones40 = join(ones20, 20n, ones20)
  const ones50 = join(ones40, 10n, ones10)
  const ones100 = join(ones50, 50n, ones50)
  const ones200 = join(ones100, 100n, ones100)
  const x11 = join(x, 3n, ones2)
  return join(join(ones200, 50n, ones50), 5n, x11)
}

export const x25519 = /* @__PURE__ */ montgomery({ P, type: 'x25519', adjustScalarBytes: clamp, powPminus2: invert })
