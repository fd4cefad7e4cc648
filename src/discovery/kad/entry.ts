/** What is kept under a key: a compact JWS (EdDSA, typ `dmesh-kad+jwt`) that proves itself, so that a relay that lies can only deny. Must never accept one whose signer is not the one that the key stands for. */
import * as v from 'valibot'
import type { Identity } from '../../core/identity.ts'
import { fromUtf8, toUtf8 } from '../../shared/bytes.ts'
import { joinJws, splitJws } from '../../shared/compact-jws.ts'
import { MeshError } from '../../shared/errors.ts'
import { ENTRY_LIFETIME, MAX_ADDRESSES, MAX_BOX, MAX_ENTRY, MAX_SKEW } from './limits.ts'

const TYPE = 'dmesh-kad+jwt'

/** Namespaces of keys. `peer`: at which relay somebody of a lobby is; `relay`: where a relay is; `sealed`: of a private mesh, under a key that only its members can compute. */
export const SPACE = { peer: '/dmesh-peer/', relay: '/dmesh-relay/', sealed: '/dmesh-sealed/' } as const
export type Space = keyof typeof SPACE

export const keyOf = (space: Space, peer: string): string => `${SPACE[space]}${peer}`

/** Looks like a PeerID in base58. */
export const isPeer = (text: string): boolean => /^[1-9A-HJ-NP-Za-km-z]{32,80}$/.test(text)

const peerId = v.pipe(v.string(), v.check(isPeer, 'not a PeerID'))
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const addresses = v.pipe(v.array(v.pipe(v.string(), v.maxLength(512))), v.minLength(1), v.maxLength(MAX_ADDRESSES))
const header = v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(TYPE) })
/** `iss` signs: the relay, or the derived key of a sealed entry. Seconds since 1970. */
const signed = { iss: peerId, iat: seconds, exp: seconds }
const claims = v.variant('s', [
  v.strictObject({ ...signed, s: v.literal('relay'), at: addresses }),
  /** `rec`: the presence record that `sub` signed for this relay. */
  v.strictObject({ ...signed, s: v.literal('peer'), sub: peerId, at: addresses, rec: v.pipe(v.string(), v.maxLength(2_000)) }),
  v.strictObject({ ...signed, s: v.literal('sealed'), box: v.pipe(v.string(), v.maxLength(MAX_BOX), v.regex(/^[A-Za-z0-9_-]+$/)) }),
])

export type Entry = v.InferOutput<typeof claims>
/** An entry without what signing adds. */
type Unsigned<E = Entry> = E extends Entry ? Omit<E, 'iss' | 'iat' | 'exp'> : never

/** The key that an entry belongs under. */
export function keyOfEntry(entry: Entry): string {
  return keyOf(entry.s, entry.s === 'peer' ? entry.sub : entry.iss)
}

/** Holds for ENTRY_LIFETIME from `now`, ms since 1970. */
export async function signEntry({ peer, sign }: Pick<Identity, 'peer' | 'sign'>, entry: Unsigned, now: number): Promise<Uint8Array<ArrayBuffer>> {
  const iat = Math.floor(now / 1000)
  return toUtf8(await joinJws(TYPE, { ...entry, iss: peer, iat, exp: iat + ENTRY_LIFETIME }, sign))
}

/** Shape only; nothing is verified. BAD_RECORD. */
export function parseEntry(value: Uint8Array): { readonly entry: Entry; readonly signed: Uint8Array; readonly signature: Uint8Array } {
  const text = value.byteLength <= MAX_ENTRY ? fromUtf8(value) : undefined
  const read = text === undefined ? undefined : splitJws(text)
  if (!read) throw new MeshError('BAD_RECORD', 'not a compact JWS')
  if (!v.is(header, read.header)) throw new MeshError('BAD_RECORD', 'another algorithm or type')
  const result = v.safeParse(claims, read.payload)
  if (!result.success) throw new MeshError('BAD_RECORD', `claims: ${result.issues[0].message.slice(0, 200)}`)
  return { entry: result.output, signed: read.signed, signature: read.signature }
}

/** Throws unless `sub` itself signed `rec` for the relay `relay`, and it holds `now`. */
export type CheckRecord = (rec: string, expected: { readonly sub: string; readonly relay: string; readonly now: number }) => Promise<void>

export interface EntryChecks {
  readonly verify: Identity['verify']
  readonly checkRecord: CheckRecord
  /** ms since 1970. */
  readonly now: number
}

/** The entry inside, if it belongs under `key` and its signers signed it. BAD_RECORD; OLD_RECORD when its time is over. */
export async function openEntry(key: string, value: Uint8Array, { verify, checkRecord, now }: EntryChecks): Promise<Entry> {
  const { entry, signed: text, signature } = parseEntry(value)
  const at = now / 1000
  if (keyOfEntry(entry) !== key) throw new MeshError('BAD_RECORD', 'entry of another key')
  if (entry.exp <= entry.iat || entry.exp - entry.iat > ENTRY_LIFETIME) throw new MeshError('BAD_RECORD', 'entry with an impossible lifetime')
  if (entry.iat > at + MAX_SKEW) throw new MeshError('BAD_RECORD', 'entry from the future')
  if (entry.exp + MAX_SKEW < at) throw new MeshError('OLD_RECORD', 'entry has run out')
  if (!(await verify(entry.iss, text, signature))) throw new MeshError('BAD_RECORD', 'signature does not match')
  if (entry.s === 'peer') await checkRecord(entry.rec, { sub: entry.sub, relay: entry.iss, now })
  return entry
}
