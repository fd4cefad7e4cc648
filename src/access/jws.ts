/** Compact JWS (RFC 7515) with EdDSA (RFC 8037) and JWT claims, one `typ` for each kind of statement. Must never accept another algorithm, another type or an unsigned one. */
import * as v from 'valibot'
import type { Identity } from '../core/identity.ts'
import type { Signer } from '../identity/seed.ts'
import { joinJws, splitJws } from '../shared/compact-jws.ts'
import { type ErrorCode, MeshError } from '../shared/errors.ts'

/** Seconds since 1970, or a counter. */
export const counter = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
/** PeerID of an Ed25519 key, base58. A mesh id is one too. */
export const peerId = v.pipe(v.string(), v.regex(/^12D3Koo[1-9A-HJ-NP-Za-km-z]{45}$/))
/** base64url of at most `most` characters. */
export const base64url = (most: number) => v.pipe(v.string(), v.maxLength(most), v.regex(/^[A-Za-z0-9_-]+$/))

export interface JwsKind<S extends v.GenericSchema> {
  readonly typ: string
  readonly schema: S
  /** Characters of the whole. */
  readonly most: number
  /** Code of anything that is wrong with it. */
  readonly code: ErrorCode
}

export interface ReadJws<T> {
  readonly claims: T
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

export async function signJws<S extends v.GenericSchema>({ typ }: JwsKind<S>, signer: Signer, claims: v.InferInput<S>): Promise<string> {
  return joinJws(typ, claims, signer.sign)
}

/** Shape only; nothing is verified. */
export function readJws<S extends v.GenericSchema>({ typ, schema, most, code }: JwsKind<S>, jws: string): ReadJws<v.InferOutput<S>> {
  if (jws.length > most) throw new MeshError(code, `${typ} of ${jws.length} characters`)
  const read = splitJws(jws)
  if (!read) throw new MeshError(code, 'not a compact JWS')
  if (!v.is(v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(typ) }), read.header)) throw new MeshError(code, `not of type ${typ}`)
  const result = v.safeParse(schema, read.payload, { abortEarly: true })
  if (!result.success) throw new MeshError(code, `${typ}: ${v.getDotPath(result.issues[0]) ?? 'claims'}: ${result.issues[0].message.slice(0, 120)}`)
  return { claims: result.output, signed: read.signed, signature: read.signature }
}

/** The claims, if the key of `claims.iss` signed them. */
export async function verifyJws<S extends v.GenericSchema<unknown, { iss: string }>>(
  kind: JwsKind<S>,
  verify: Identity['verify'],
  jws: string,
): Promise<v.InferOutput<S>> {
  const { claims, signed, signature } = readJws(kind, jws)
  if (!(await verify(claims.iss, signed, signature))) throw new MeshError(kind.code, `${kind.typ}: the signature does not match`)
  return claims
}
