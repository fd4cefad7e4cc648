/** The document of a private mesh: name, members, roles, signed by an owner; sealed with the read key, and the read key sealed to each member (docs/adr/0012). Pure. Relays keep it and can read none of it. */
import * as v from 'valibot'
import type { Identity } from '../core/identity.ts'
import { type Opener, openerOf, openSealed, openWith, sealTo, sealWith } from '../identity/sealing.ts'
import type { Signer } from '../identity/seed.ts'
import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { roleSchema } from './invite.ts'
import { base64url, counter, type JwsKind, peerId, signJws, verifyJws } from './jws.ts'
import { MAX_DOCUMENT, MAX_INVITES_PER_MESH, MAX_MEMBERS, MAX_MESH_NAME, MAX_REMOVED } from './limits.ts'
import { chainSchema, verifyChain } from './membership.ts'

const memberSchema = v.strictObject({
  /** PeerID and X25519 key (base64url). A user key is listed as a spare: it is no device. */
  p: peerId,
  k: base64url(43),
  r: roleSchema,
  /** Seconds since 1970. */
  s: counter,
  n: v.optional(v.pipe(v.string(), v.maxLength(MAX_MESH_NAME))),
  spare: v.optional(v.literal(true)),
})

const small = <S extends v.GenericSchema<unknown, Record<string, unknown>>>(schema: S, most: number) =>
  v.pipe(
    schema,
    v.check((value) => Object.keys(value).length <= most),
  )

const profileSchema = v.strictObject({
  iss: peerId,
  mesh: peerId,
  epoch: counter,
  /** Grows with each change. */
  seq: counter,
  iat: counter,
  name: v.pipe(v.string(), v.maxLength(MAX_MESH_NAME)),
  members: v.pipe(v.array(memberSchema), v.maxLength(MAX_MEMBERS)),
  /** SHA-256 of the read key, base64url: binds this to the one key it may come sealed with. */
  kid: base64url(43),
  /** Admitted a live invite, by its id: [count, exp in seconds]; -1 = withdrawn. */
  spent: small(v.record(base64url(32), v.tuple([v.pipe(v.number(), v.integer(), v.minValue(-1)), counter])), MAX_INVITES_PER_MESH),
  floors: small(v.record(peerId, counter), MAX_REMOVED),
  /** Chain of `iss`. */
  by: chainSchema,
})

export type Profile = v.InferOutput<typeof profileSchema>
export type ProfileMember = v.InferOutput<typeof memberSchema>

const PROFILE: JwsKind<typeof profileSchema> = { typ: 'dmesh-mesh+jwt', schema: profileSchema, most: MAX_DOCUMENT, code: 'WRONG_MESH' }

const documentSchema = v.strictObject({
  v: v.literal(1),
  mesh: peerId,
  epoch: counter,
  seq: counter,
  /** Read key and certificates for each member: HPKE. */
  to: small(v.record(peerId, base64url(8192)), MAX_MEMBERS),
  /** The signed profile under the read key. */
  box: base64url(MAX_DOCUMENT),
})

export type MeshDocument = v.InferOutput<typeof documentSchema>

const shareSchema = v.strictObject({ k: base64url(43), c: chainSchema })

/** What a member finds in the document for itself. */
export interface Share {
  readonly readKey: Uint8Array<ArrayBuffer>
  readonly chain: readonly string[]
}

const infoOf = (mesh: string, epoch: number, peer: string) => `dmesh-share:1:${mesh}:${epoch}:${peer}`
const aboutOf = ({ mesh, epoch, seq }: Pick<MeshDocument, 'mesh' | 'epoch' | 'seq'>) => `${mesh}:${epoch}:${seq}`

/** Read key and certificates sealed to one member, as the document carries them. */
export async function sealShare(profile: Pick<Profile, 'mesh' | 'epoch'>, { p, k }: Pick<ProfileMember, 'p' | 'k'>, share: Share): Promise<string> {
  const text = JSON.stringify({ k: toBase64url(share.readKey), c: share.chain })
  return toBase64url(await sealTo(fromBase64url(k) ?? new Uint8Array(), infoOf(profile.mesh, profile.epoch, p), toUtf8(text)))
}

/** Signs and seals. LIMIT_REACHED when it would be too large. */
export async function makeDocument(
  signer: Signer,
  profile: Omit<Profile, 'iss' | 'kid'>,
  readKey: Uint8Array,
  to: Readonly<Record<string, string>>,
): Promise<string> {
  const jws = await signJws(PROFILE, signer, { ...profile, iss: signer.peer, kid: await hashOf(readKey) })
  const { mesh, epoch, seq } = profile
  const box = toBase64url(await sealWith(readKey, 'dmesh-profile', aboutOf(profile), toUtf8(jws)))
  const text = JSON.stringify({ v: 1, mesh, epoch, seq, to, box } satisfies MeshDocument)
  if (text.length > MAX_DOCUMENT) throw new MeshError('LIMIT_REACHED', 'this mesh has as many members as one mesh may have')
  return text
}

/** Shape only. WRONG_MESH, UNKNOWN_VERSION. */
export function readDocument(text: string): MeshDocument {
  if (text.length > MAX_DOCUMENT) throw new MeshError('WRONG_MESH', `a document of ${text.length} characters`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new MeshError('WRONG_MESH', 'the document of a mesh is not JSON', { cause })
  }
  const version = (value as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== 1) throw new MeshError('UNKNOWN_VERSION', `a mesh document of version ${version}`)
  const result = v.safeParse(documentSchema, value, { abortEarly: true })
  if (!result.success) throw new MeshError('WRONG_MESH', `the document of a mesh: ${result.issues[0].message.slice(0, 120)}`)
  return result.output
}

/** My part of it; undefined when it has none for me. WRONG_MESH when it has one that is not for me. */
export async function openShare(document: MeshDocument, peer: string, opener: Opener): Promise<Share | undefined> {
  const box = document.to[peer]
  if (box === undefined) return undefined
  try {
    const bytes = await openSealed(opener, infoOf(document.mesh, document.epoch, peer), fromBase64url(box) ?? new Uint8Array())
    const { k, c } = v.parse(shareSchema, JSON.parse(fromUtf8(bytes) ?? ''))
    const readKey = fromBase64url(k)
    if (readKey?.byteLength !== 32) throw new MeshError('WRONG_MESH', 'a read key has 32 bytes')
    return { readKey, chain: c }
  } catch (cause) {
    throw new MeshError('WRONG_MESH', 'what this mesh sealed for me cannot be opened', { cause })
  }
}

/** The part of this device. */
export function openOwnShare(document: MeshDocument, identity: Identity): Promise<Share | undefined> {
  return openShare(document, identity.peer, openerOf(identity))
}

/** The profile inside, if an owner signed it for this key. WRONG_MESH. */
export async function openProfile(verify: Identity['verify'], document: MeshDocument, readKey: Uint8Array, now: number): Promise<Profile> {
  const box = await openWith(readKey, 'dmesh-profile', aboutOf(document), fromBase64url(document.box) ?? new Uint8Array()).catch((cause: unknown) => {
    throw new MeshError('WRONG_MESH', 'the document of this mesh is sealed with another key', { cause })
  })
  const profile = await verifyJws(PROFILE, verify, fromUtf8(box) ?? '')
  const { mesh, epoch, seq } = document
  if (profile.mesh !== mesh || profile.epoch !== epoch || profile.seq !== seq) throw new MeshError('WRONG_MESH', 'a document that says two things')
  if (profile.kid !== (await hashOf(readKey))) throw new MeshError('WRONG_MESH', 'a document under a key its owner did not choose')
  const { peer, owner } = await verifyChain(verify, mesh, profile.by, now)
  if (peer !== profile.iss || !owner) throw new MeshError('WRONG_MESH', 'a document that no owner signed')
  return profile
}

async function hashOf(readKey: Uint8Array): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(readKey))))
}
