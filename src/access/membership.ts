/** Who belongs to a private mesh: certificates in a chain from the mesh's own key, and the signed list of those who were removed (docs/adr/0012). Pure. Must never trust a name, a role or a count that a relay could read. */
import * as v from 'valibot'
import type { Identity } from '../core/identity.ts'
import type { Signer } from '../identity/seed.ts'
import { MeshError } from '../shared/errors.ts'
import { counter, type JwsKind, peerId, readJws, signJws, verifyJws } from './jws.ts'
import { CERTIFICATE_LIFETIME, MAX_CERTIFICATE, MAX_CHAIN, MAX_LEAVE, MAX_REMOVED, MAX_REVOKED, MEMBERSHIP_SKEW } from './limits.ts'

const certificateSchema = v.strictObject({
  iss: peerId,
  sub: peerId,
  mesh: peerId,
  /** Of the read key when it was made: a removal voids what is older. */
  epoch: counter,
  /** May admit, remove and certify others. The mesh key signs such certificates only. */
  own: v.optional(v.literal(true)),
  iat: counter,
  exp: counter,
})

export type Certificate = v.InferOutput<typeof certificateSchema>

const CERTIFICATE: JwsKind<typeof certificateSchema> = {
  typ: 'dmesh-member+jwt',
  schema: certificateSchema,
  most: MAX_CERTIFICATE,
  code: 'WRONG_MESH',
}

/** Certificates from the mesh key down to a peer. */
export const chainSchema = v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_CERTIFICATE))), v.minLength(1), v.maxLength(MAX_CHAIN))

export interface CertificateRequest {
  readonly sub: string
  readonly mesh: string
  readonly epoch: number
  readonly own: boolean
  /** ms since 1970. */
  readonly now: number
}

export function signCertificate(signer: Signer, { sub, mesh, epoch, own, now }: CertificateRequest): Promise<string> {
  const iat = Math.floor(now / 1000)
  return signJws(CERTIFICATE, signer, { iss: signer.peer, sub, mesh, epoch, ...(own ? { own } : {}), iat, exp: iat + CERTIFICATE_LIFETIME })
}

export interface Membership {
  readonly peer: string
  readonly owner: boolean
  /** ms since 1970 when the first certificate of the chain ends. */
  readonly until: number
  /** Everybody in the chain with the epoch of their certificate. */
  readonly links: readonly { readonly peer: string; readonly epoch: number }[]
}

/** What the chain proves about `mesh`. WRONG_MESH when it proves nothing. */
export async function verifyChain(verify: Identity['verify'], mesh: string, chain: readonly string[], now: number): Promise<Membership> {
  if (chain.length === 0 || chain.length > MAX_CHAIN) throw new MeshError('WRONG_MESH', `a chain of ${chain.length} certificates`)
  const links: { peer: string; epoch: number }[] = []
  let above: Pick<Certificate, 'sub' | 'own'> = { sub: mesh, own: true }
  let until = Number.POSITIVE_INFINITY
  for (const [i, jws] of chain.entries()) {
    const { claims } = readJws(CERTIFICATE, jws)
    if (claims.mesh !== mesh) throw new MeshError('WRONG_MESH', 'a certificate of another mesh')
    if (claims.iss !== above.sub || !above.own) throw new MeshError('WRONG_MESH', 'a certificate from somebody who may not give one')
    if (i === 0 && !claims.own) throw new MeshError('WRONG_MESH', 'the mesh key certifies owners alone')
    if (claims.iat * 1000 > now + MEMBERSHIP_SKEW) throw new MeshError('WRONG_MESH', 'a certificate from the future')
    if (claims.exp * 1000 < now) throw new MeshError('WRONG_MESH', 'a certificate that has run out')
    links.push({ peer: claims.sub, epoch: claims.epoch })
    until = Math.min(until, claims.exp * 1000)
    above = claims
  }
  for (const jws of chain) await verifyJws(CERTIFICATE, verify, jws)
  return { peer: above.sub, owner: above.own === true, until, links }
}

const revokedSchema = v.strictObject({
  iss: peerId,
  mesh: peerId,
  /** Of the mesh document that goes with it. */
  seq: counter,
  iat: counter,
  /** Certificates of this peer below this epoch count for nothing, nor does what they certified. */
  floors: v.pipe(
    v.record(peerId, counter),
    v.check((floors) => Object.keys(floors).length <= MAX_REMOVED),
  ),
  /** Chain of `iss`. */
  by: chainSchema,
})

const REVOKED: JwsKind<typeof revokedSchema> = { typ: 'dmesh-removed+jwt', schema: revokedSchema, most: MAX_REVOKED, code: 'WRONG_MESH' }

export type Floors = Readonly<Record<string, number>>

export interface RemovedList {
  readonly seq: number
  readonly floors: Floors
}

export function signRemoved(
  signer: Signer,
  { mesh, seq, floors, by, now }: { mesh: string; seq: number; floors: Floors; by: readonly string[]; now: number },
): Promise<string> {
  return signJws(REVOKED, signer, { iss: signer.peer, mesh, seq, iat: Math.floor(now / 1000), floors, by: [...by] })
}

/** The list, if an owner of `mesh` signed it. WRONG_MESH. */
export async function verifyRemoved(verify: Identity['verify'], mesh: string, jws: string, now: number): Promise<RemovedList> {
  const claims = await verifyJws(REVOKED, verify, jws)
  if (claims.mesh !== mesh) throw new MeshError('WRONG_MESH', 'a list of another mesh')
  const { peer, owner } = await verifyChain(verify, mesh, claims.by, now)
  if (peer !== claims.iss || !owner) throw new MeshError('WRONG_MESH', 'a list that no owner signed')
  return { seq: claims.seq, floors: claims.floors }
}

const leaveSchema = v.strictObject({ iss: peerId, mesh: peerId, epoch: counter, iat: counter })

const LEAVE: JwsKind<typeof leaveSchema> = { typ: 'dmesh-leave+jwt', schema: leaveSchema, most: MAX_LEAVE, code: 'WRONG_MESH' }

/** I go. Worth nothing once somebody was taken out for it: whoever comes back does so at a higher epoch. */
export function signLeave(signer: Signer, { mesh, epoch, now }: { mesh: string; epoch: number; now: number }): Promise<string> {
  return signJws(LEAVE, signer, { iss: signer.peer, mesh, epoch, iat: Math.floor(now / 1000) })
}

/** Passes when `peer` said that it goes, and was not removed since. WRONG_MESH. */
export async function verifyLeave(verify: Identity['verify'], mesh: string, peer: string, jws: string, floors: Floors): Promise<void> {
  const claims = await verifyJws(LEAVE, verify, jws)
  if (claims.mesh !== mesh || claims.iss !== peer) throw new MeshError('WRONG_MESH', 'the leave of somebody else, or of another mesh')
  if (claims.epoch < (floors[peer] ?? 0)) throw new MeshError('WRONG_MESH', 'a leave of before')
}

/** True when somebody in the chain was removed after their certificate was made. */
export function isRemoved({ links }: Pick<Membership, 'links'>, floors: Floors): boolean {
  return links.some(({ peer, epoch }) => epoch < (floors[peer] ?? 0))
}
