/** The signed presence record: compact JWS (RFC 7515, EdDSA per RFC 8037) with JWT claims, typ `dmesh-presence+jwt`. One record is for one relay (`aud`). Must never accept another algorithm or an unsigned record. */
import * as v from 'valibot'
import type { Identity } from '../../core/identity.ts'
import { joinJws, splitJws } from '../../shared/compact-jws.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_NAME, MAX_RECORD, MAX_SEALED, MAX_SKEW, RECORD_LIFETIME } from './limits.ts'

const TYPE = 'dmesh-presence+jwt'

const counter = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const peerId = v.pipe(v.string(), v.regex(/^[1-9A-HJ-NP-Za-km-z]{32,80}$/))

const headerSchema = v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(TYPE) })

const recordSchema = v.object({
  /** PeerID of who signs, and of the relay it is for. */
  iss: peerId,
  aud: peerId,
  /** 'lobby' or the mesh's id. */
  mesh: v.pipe(v.string(), v.regex(/^[1-9A-Za-z]{1,80}$/)),
  name: v.pipe(v.string(), v.maxLength(2 * MAX_NAME)),
  kind: v.pipe(v.string(), v.regex(/^[a-z]{1,16}$/)),
  /** Name and kind as the members of a private mesh see them; then `name` is empty and `kind` is 'sealed'. */
  sealed: v.optional(v.object({ epoch: counter, box: v.pipe(v.string(), v.maxLength(MAX_SEALED), v.regex(/^[A-Za-z0-9_-]+$/)) })),
  /** Random id of this start of the peer, and which start it is: a higher one is newer. */
  instance: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/)),
  start: counter,
  /** Counts the records of one start. */
  seq: counter,
  /** Seconds since 1970. */
  iat: counter,
  exp: counter,
  /** ms, the peer's round trip to this relay when it signed. */
  rtt: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(60_000))),
})

export type PresenceRecord = v.InferOutput<typeof recordSchema>

/** Compact JWS of `record`. */
export async function signRecord(identity: Pick<Identity, 'sign'>, record: PresenceRecord): Promise<string> {
  return joinJws(TYPE, { ...record, name: cleanName(record.name) }, identity.sign)
}

export interface RecordExpectation {
  /** PeerID of the relay. */
  readonly relay: string
  readonly mesh: string
  /** ms since 1970, our clock. */
  readonly now: number
  /** ms after its end at which the record is still taken, beyond MAX_SKEW: for entries that are away. Default 0. */
  readonly late?: number
}

/** The record inside, if the key of `iss` signed it for this relay and mesh. BAD_RECORD; OLD_RECORD when its time is over. The name comes back clean. */
export async function verifyRecord(
  verify: Identity['verify'],
  jws: string,
  { relay, mesh, now, late = 0 }: RecordExpectation,
): Promise<PresenceRecord> {
  const { record, signed, signature } = parseRecord(jws)
  if (record.aud !== relay || record.mesh !== mesh) throw new MeshError('BAD_RECORD', 'record for another relay or mesh')
  if (record.exp <= record.iat || record.exp - record.iat > 2 * RECORD_LIFETIME)
    throw new MeshError('BAD_RECORD', 'record with an impossible lifetime')
  if (record.iat * 1000 > now + MAX_SKEW) throw new MeshError('BAD_RECORD', 'record from the future')
  if (record.exp * 1000 + MAX_SKEW + late < now) throw new MeshError('OLD_RECORD', 'record has run out')
  if (!(await verify(record.iss, signed, signature))) throw new MeshError('BAD_RECORD', 'signature does not match')
  return { ...record, name: cleanName(record.name) }
}

/** Shape only; nothing is verified. BAD_RECORD. */
export function parseRecord(jws: string): { record: PresenceRecord; signed: Uint8Array; signature: Uint8Array } {
  if (jws.length > MAX_RECORD) throw new MeshError('BAD_RECORD', `record of ${jws.length} characters`)
  const read = splitJws(jws)
  if (!read) throw new MeshError('BAD_RECORD', 'not a compact JWS')
  if (!v.is(headerSchema, read.header)) throw new MeshError('BAD_RECORD', 'another algorithm or type')
  const result = v.safeParse(recordSchema, read.payload)
  if (!result.success) throw new MeshError('BAD_RECORD', `claims: ${result.issues[0].message}`)
  return { record: result.output, signed: read.signed, signature: read.signature }
}

/** True when `a` is newer than `b` of the same key. */
export function isNewer(a: PresenceRecord, b: PresenceRecord): boolean {
  return a.start !== b.start ? a.start > b.start : a.seq > b.seq
}

/** A name that cannot break a line or turn the text around: no control, format or separator characters, one space at a time, at most MAX_NAME characters. */
export function cleanName(name: string): string {
  const plain = name
    .replace(/(?!\s)\p{C}/gu, '')
    .normalize('NFC')
    .replace(/[\p{Z}\s]+/gu, ' ')
    .trim()
  return [...plain].slice(0, MAX_NAME).join('').trim()
}
