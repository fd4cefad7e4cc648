/** Takes in documents of my meshes that verify, and makes new ones. Must never go back to an older document, nor accept one that a removed owner signed. */
import { loadUserKey, randomKey } from '../../access/keyring.ts'
import { isRemoved, signCertificate, signRemoved, verifyChain, verifyRemoved } from '../../access/membership.ts'
import { makeDocument, openOwnShare, openProfile, type Profile, readDocument, type Share, sealShare } from '../../access/profile.ts'
import type { Identity } from '../../core/identity.ts'
import type { MeshDocuments } from '../../core/private-mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import { equal } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { applyEdits } from './edits.ts'
import { type MyMesh, withKey } from './kept.ts'

export interface DocumentParts {
  readonly identity: Identity
  readonly records: RecordStore
  readonly now: () => number
}

/** True when it was newer and is now the mesh's. WRONG_MESH for one that is not right. */
export async function takeDocument({ identity, now }: DocumentParts, mesh: MyMesh, { document: text, removed }: MeshDocuments): Promise<boolean> {
  const document = readDocument(text)
  if (document.mesh !== mesh.id) throw new MeshError('WRONG_MESH', 'the document of another mesh')
  if (document.seq < mesh.seq || (document.seq === mesh.seq && (mesh.edits.length === 0 || text === mesh.document))) return false
  const share = await openOwnShare(document, identity)
  if (!share) {
    if (await takeRemoval({ identity, now }, mesh, removed)) return true
    throw new MeshError('WRONG_MESH', 'the document of this mesh has nothing for me')
  }
  const known = mesh.keys.get(document.epoch)
  const { epoch = 0, floors: oldFloors = {} } = mesh.profile ?? {}
  if (document.epoch < epoch || (known && !equal(known, share.readKey))) throw new MeshError('WRONG_MESH', 'a document with an older or another key')
  const profile = await openProfile(identity.verify, document, share.readKey, now())
  if (isRemoved(await verifyChain(identity.verify, mesh.id, profile.by, now()), oldFloors))
    throw new MeshError('WRONG_MESH', 'a document by somebody who was removed')
  for (const [peer, floor] of Object.entries(oldFloors))
    if ((profile.floors[peer] ?? 0) < floor) throw new MeshError('WRONG_MESH', 'a document that forgets whom others removed')
  mesh.chain = await betterChain(identity, mesh, share.chain, profile, now())
  mesh.keys = withKey(mesh.keys, profile.epoch, share.readKey)
  Object.assign(mesh, { document: text, removed, seq: profile.seq, profile, name: profile.name, status: 'joined', waitingFor: undefined })
  Object.assign(mesh, { problem: undefined, claim: undefined })
  return true
}

/** True when an owner's list says that I am out. */
export async function takeRemoval({ identity, now }: Pick<DocumentParts, 'identity' | 'now'>, mesh: MyMesh, removed: string): Promise<boolean> {
  if (!removed || mesh.chain.length === 0) return false
  const { floors } = await verifyRemoved(identity.verify, mesh.id, removed, now())
  if (!isRemoved(await verifyChain(identity.verify, mesh.id, mesh.chain, now()), floors)) return false
  Object.assign(mesh, { status: 'removed', edits: [], removed })
  return true
}

/** Mine while it holds and says the same: otherwise two owners who renew each other's would make ever longer ones. */
async function betterChain(
  { peer, verify }: Identity,
  mesh: MyMesh,
  offered: readonly string[],
  { floors }: Profile,
  now: number,
): Promise<readonly string[]> {
  const next = await verifyChain(verify, mesh.id, offered, now)
  if (next.peer !== peer || isRemoved(next, floors)) throw new MeshError('WRONG_MESH', 'certificates that are not mine')
  if (mesh.chain.length === 0 || mesh.chain.length > offered.length) return offered
  const own = await verifyChain(verify, mesh.id, mesh.chain, now).catch(() => undefined)
  return own && !isRemoved(own, floors) && own.owner === next.owner ? mesh.chain : offered
}

/** The next document with my edits in it, taken at once. False when they change nothing any more. NOT_ADMITTER, LIMIT_REACHED. */
export async function applyMyEdits(parts: DocumentParts, mesh: MyMesh): Promise<boolean> {
  const { identity, now } = parts
  const { profile } = mesh
  if (!profile) throw new MeshError('NOT_MEMBER', 'this mesh has no document yet')
  const { content, rotate, certify, changed } = applyEdits(profile, mesh.edits, now())
  if (!changed) return false
  const readKey = rotate ? randomKey() : mesh.keys.get(content.epoch)
  if (!readKey) throw new MeshError('NOT_MEMBER', 'the key of this mesh is not here')
  const certifier = await createCertifier(parts, mesh)
  const old = readDocument(mesh.document)
  const to: Record<string, string> = {}
  for (const member of content.members) {
    const kept = rotate || certify.has(member.p) ? undefined : old.to[member.p]
    to[member.p] =
      kept ??
      (await sealShare({ mesh: mesh.id, epoch: content.epoch }, member, {
        readKey,
        chain: await certifier(member.p, member.r === 'owner', content.epoch),
      }))
  }
  const next = { ...profile, ...content, mesh: mesh.id, seq: mesh.seq + 1, iat: Math.floor(now() / 1000), by: [...mesh.chain] }
  const document = await makeDocument(identity, withoutIssuer(next), readKey, to)
  const removed = await listRemoved(parts, mesh, next)
  mesh.keys = withKey(mesh.keys, content.epoch, readKey)
  Object.assign(mesh, {
    document,
    removed,
    seq: next.seq,
    name: next.name,
    profile: await openProfile(identity.verify, readDocument(document), readKey, now()),
  })
  return true
}

function withoutIssuer({ iss: _, kid: _kid, ...profile }: Profile): Omit<Profile, 'iss' | 'kid'> {
  return profile
}

/** A mesh's first document, with its owner and the user key as the spare. */
export async function firstDocument(
  { identity, now }: DocumentParts,
  mesh: MyMesh,
  readKey: Uint8Array<ArrayBuffer>,
  members: Profile['members'],
  shares: Readonly<Record<string, Share>>,
): Promise<void> {
  const base = {
    mesh: mesh.id,
    epoch: 1,
    seq: 1,
    iat: Math.floor(now() / 1000),
    name: mesh.name,
    members,
    spent: {},
    floors: {},
    by: [...mesh.chain],
  }
  const to: Record<string, string> = {}
  for (const member of members) to[member.p] = await sealShare(base, member, shares[member.p] as Share)
  const document = await makeDocument(identity, base, readKey, to)
  mesh.keys = withKey(mesh.keys, 1, readKey)
  Object.assign(mesh, { document, seq: 1, profile: await openProfile(identity.verify, readDocument(document), readKey, now()) })
}

async function listRemoved({ identity, now }: DocumentParts, mesh: MyMesh, { seq, floors }: Profile): Promise<string> {
  if (Object.keys(floors).length === 0) return ''
  if (mesh.removed && sameFloors(floors, mesh.profile?.floors ?? {})) return mesh.removed
  return signRemoved(identity, { mesh: mesh.id, seq, floors, by: mesh.chain, now: now() })
}

function sameFloors(a: Profile['floors'], b: Profile['floors']): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([peer, floor]) => b[peer] === floor)
}

/** Certifies with the user key where it is here: chains stay short, and outlive this device. */
async function createCertifier({ identity, records, now }: DocumentParts, mesh: MyMesh) {
  const user = mesh.userChain ? await loadUserKey(identity, records) : undefined
  const [signer, above] = user && mesh.userChain ? [user, mesh.userChain] : [identity, mesh.chain]
  return async (sub: string, own: boolean, epoch: number): Promise<readonly string[]> => {
    if (sub === signer.peer) return above
    return [...above, await signCertificate(signer, { sub, mesh: mesh.id, epoch, own, now: now() })]
  }
}
