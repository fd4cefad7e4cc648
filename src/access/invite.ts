/** Invite tokens, links and claims of private meshes (docs/adr/0012). Pure. Must never put the claim key's seed anywhere but into the link, nor role, name or label where a relay could read them. */
import * as v from 'valibot'
import type { Identity } from '../core/identity.ts'
import type { InviteLook, MemberRole } from '../core/meshes.ts'
import { canonicalPeer, publicKeyOfPeer } from '../identity/names.ts'
import { openWith, sealWith } from '../identity/sealing.ts'
import { keysOfSeed, type Signer } from '../identity/seed.ts'
import { concat, fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { base64url, counter, type JwsKind, peerId, readJws, signJws, verifyJws } from './jws.ts'
import { MAX_INVITE_RELAYS, MAX_INVITE_USES, MAX_LINK, MAX_MESH_NAME, MAX_OPENS, MAX_TOKEN, MEMBERSHIP_SKEW } from './limits.ts'

const SEED_BYTES = 32
const NONCE_BYTES = 16
const origin = v.pipe(v.string(), v.maxLength(200), v.regex(/^https?:\/\/[^/?#\s]+$/))

const tokenSchema = v.strictObject({
  /** The device that made it. */
  iss: peerId,
  mesh: peerId,
  /** The one relay that counts its uses: PeerID and origin. */
  aud: peerId,
  at: origin,
  /** Origins of the mesh's other relays. */
  relays: v.optional(v.pipe(v.array(origin), v.maxLength(MAX_INVITE_RELAYS))),
  uses: v.pipe(counter, v.minValue(1), v.maxValue(MAX_INVITE_USES)),
  iat: counter,
  exp: counter,
  jti: base64url(32),
  /** Its seed claims. */
  key: peerId,
  /** Sealed with the seed, for who holds the link: what join() shows and opens. */
  box: base64url(1200),
  /** Sealed with the read key of this epoch, for the members: the role. */
  epoch: counter,
  role: base64url(80),
})

export type InviteToken = v.InferOutput<typeof tokenSchema>

const TOKEN: JwsKind<typeof tokenSchema> = { typ: 'dmesh-invite+jwt', schema: tokenSchema, most: MAX_TOKEN, code: 'INVITE_INVALID' }

const ROLES = ['owner', 'member', 'guest'] as const
export const roleSchema = v.picklist(ROLES)
const boxSchema = v.strictObject({
  r: roleSchema,
  n: v.pipe(v.string(), v.maxLength(MAX_MESH_NAME)),
  f: v.pipe(v.string(), v.maxLength(MAX_MESH_NAME)),
  o: v.optional(v.pipe(v.string(), v.maxLength(MAX_OPENS))),
})

export interface InviteRequest {
  readonly mesh: string
  readonly meshName: string
  /** Whose devices will admit, as people call them. */
  readonly from: string
  readonly role: MemberRole
  readonly opens?: string
  readonly uses: number
  /** ms since 1970. */
  readonly until: number
  readonly now: number
  readonly claimRelay: { readonly peer: string; readonly origin: string }
  readonly relays: readonly string[]
  readonly epoch: number
  readonly readKey: Uint8Array
}

/** A new claim key each time. The link is a secret until its uses are used up. */
export async function makeInvite(signer: Signer, request: InviteRequest): Promise<{ readonly id: string; readonly link: string }> {
  const seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES))
  const jti = toBase64url(crypto.getRandomValues(new Uint8Array(12)))
  const { mesh, claimRelay, relays, epoch, readKey, role, opens } = request
  const inside = { r: role, n: request.meshName, f: request.from, ...(opens ? { o: opens } : {}) }
  const token = await signJws(TOKEN, signer, {
    iss: signer.peer,
    mesh,
    aud: claimRelay.peer,
    at: claimRelay.origin,
    ...(relays.length > 0 ? { relays: relays.slice(0, MAX_INVITE_RELAYS) } : {}),
    uses: request.uses,
    iat: Math.floor(request.now / 1000),
    exp: Math.floor(request.until / 1000),
    jti,
    key: keysOfSeed(seed).peer,
    box: toBase64url(await sealWith(seed, 'dmesh-invite-box', jti, toUtf8(JSON.stringify(inside)))),
    epoch,
    role: toBase64url(await sealWith(readKey, 'dmesh-invite-role', jti, Uint8Array.of(ROLES.indexOf(role)))),
  })
  return { id: jti, link: `${claimRelay.origin}/#join=${token}.${toBase64url(seed)}` }
}

export interface ReadInvite {
  readonly token: string
  readonly claims: InviteToken
  readonly look: InviteLook
  readonly opens?: string
  readonly seed: Uint8Array<ArrayBuffer>
}

/** What a link says; asks nobody. Text around it is fine, e.g. of a chat. INVITE_INVALID, INVITE_EXPIRED. */
export async function readLink(verify: Identity['verify'], link: string, now: number): Promise<ReadInvite> {
  if (link.length > MAX_LINK) throw invalid('it is too long')
  const found = /#join=([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})(?![A-Za-z0-9_.-])/.exec(link)
  const seed = fromBase64url(found?.[2] ?? '')
  const token = found?.[1]
  if (!token || seed?.byteLength !== SEED_BYTES) throw invalid('a part of it is missing')
  const claims = await verifyToken(verify, token, now)
  if (keysOfSeed(seed).peer !== claims.key) throw invalid('its last part belongs to another invite')
  const box = parseBox(await openWith(seed, 'dmesh-invite-box', claims.jti, fromBase64url(claims.box) ?? new Uint8Array()).catch(() => undefined))
  const relays = [claims.at, ...(claims.relays ?? [])]
  const look: InviteLook = { mesh: claims.mesh, meshName: box.n, from: box.f, relays, role: box.r, until: claims.exp * 1000 }
  return { token, claims, look, seed, ...(box.o === undefined ? {} : { opens: box.o }) }
}

/** The token's claims, if its issuer signed them and its time is not over. INVITE_INVALID, INVITE_EXPIRED. */
export async function verifyToken(verify: Identity['verify'], token: string, now: number): Promise<InviteToken> {
  const claims = await verifyJws(TOKEN, verify, token)
  if (claims.exp <= claims.iat || claims.iat * 1000 > now + MEMBERSHIP_SKEW) throw invalid('its times are impossible')
  if (claims.exp * 1000 <= now) throw new MeshError('INVITE_EXPIRED', 'this invite has run out')
  return claims
}

/** Shape only. INVITE_INVALID. */
export function readToken(token: string): InviteToken {
  return readJws(TOKEN, token).claims
}

/** The role inside, for members. WRONG_MESH when the key is not the one of its epoch. */
export async function roleOfToken({ role, jti }: InviteToken, readKey: Uint8Array): Promise<MemberRole> {
  const opened = await openWith(readKey, 'dmesh-invite-role', jti, fromBase64url(role) ?? new Uint8Array()).catch(() => undefined)
  const found = opened?.byteLength === 1 ? ROLES[opened[0] as number] : undefined
  if (!found) throw new MeshError('WRONG_MESH', 'the role of this invite cannot be read')
  return found
}

/** What proves that `joiner` holds the link, without giving it away. */
export interface InviteClaim {
  readonly token: string
  /** base64url, 16 bytes. */
  readonly nonce: string
  /** base64url, 64 bytes: of the claim key over token hash, joiner key and nonce. */
  readonly signature: string
}

export async function signClaim({ token, seed }: Pick<ReadInvite, 'token' | 'seed'>, joiner: string): Promise<InviteClaim> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const signature = await keysOfSeed(seed).sign(await claimStatement(token, joiner, nonce))
  return { token, nonce: toBase64url(nonce), signature: toBase64url(signature) }
}

/** Passes when the holder of the link named `joiner`. INVITE_INVALID. */
export async function verifyClaim(verify: Identity['verify'], claims: InviteToken, claim: InviteClaim, joiner: string): Promise<void> {
  const nonce = fromBase64url(claim.nonce)
  const signature = fromBase64url(claim.signature)
  if (nonce?.byteLength !== NONCE_BYTES || signature?.byteLength !== 64) throw invalid('the claim is malformed')
  if (!(await verify(claims.key, await claimStatement(claim.token, joiner, nonce), signature))) throw invalid('the claim was made for somebody else')
}

async function claimStatement(token: string, joiner: string, nonce: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const key = publicKeyOfPeer(joiner)
  if (!key || canonicalPeer(joiner) !== joiner) throw invalid('the joiner has no key of ours')
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', toUtf8(token)))
  return concat([toUtf8('dmesh-claim:1:'), hash, key, nonce])
}

function parseBox(bytes: Uint8Array | undefined): v.InferOutput<typeof boxSchema> {
  try {
    return v.parse(boxSchema, JSON.parse(fromUtf8(bytes ?? new Uint8Array()) ?? ''))
  } catch (cause) {
    throw new MeshError('INVITE_INVALID', 'what this invite says inside cannot be read', { cause })
  }
}

function invalid(why: string): MeshError {
  return new MeshError('INVITE_INVALID', `this invite is not valid: ${why}`)
}
