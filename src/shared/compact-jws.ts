/** The outer form of a compact JWS (RFC 7515 §7.1) with EdDSA (RFC 8037): three parts in base64url, the first two JSON. Must never say that anything in it is true: the header's type, the claims and the signature are checked by who reads it. */
import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from './bytes.ts'

/** Bytes of an Ed25519 signature (RFC 8032 §5.1.6). */
const SIGNATURE = 64

export interface CompactJws {
  /** Undefined where the part is no JSON. */
  readonly header: unknown
  readonly payload: unknown
  /** What the signature is over. */
  readonly signed: Uint8Array<ArrayBuffer>
  readonly signature: Uint8Array<ArrayBuffer>
}

/** Undefined when it has not three parts, or no signature of 64 bytes. */
export function splitJws(text: string): CompactJws | undefined {
  const [header = '', payload = '', mac = '', more] = text.split('.')
  const signature = fromBase64url(mac)
  if (more !== undefined || signature?.byteLength !== SIGNATURE) return undefined
  return { header: parsePart(header), payload: parsePart(payload), signed: toUtf8(`${header}.${payload}`), signature }
}

/** `sign` gives an Ed25519 signature. */
export async function joinJws(typ: string, claims: unknown, sign: (data: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const text = `${jsonPart({ alg: 'EdDSA', typ })}.${jsonPart(claims)}`
  return `${text}.${toBase64url(await sign(toUtf8(text)))}`
}

function jsonPart(value: unknown): string {
  return toBase64url(toUtf8(JSON.stringify(value)))
}

function parsePart(text: string): unknown {
  const bytes = fromBase64url(text)
  const json = bytes && fromUtf8(bytes)
  try {
    return json === undefined ? undefined : JSON.parse(json)
  } catch {
    return undefined
  }
}
