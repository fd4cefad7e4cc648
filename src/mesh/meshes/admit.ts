/** An owner's device answers claims: it checks signatures, times and counts by itself, since a relay may say anything. The joiner is in the document before it hears yes. */
import { readToken, roleOfToken, verifyClaim, verifyToken } from '../../access/invite.ts'
import { checkSealing } from '../../access/keyring.ts'
import type { Profile } from '../../access/profile.ts'
import type { MemberRole } from '../../core/meshes.ts'
import type { Claim, MeshesHost } from '../../core/private-mesh.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { isOwner } from './desks.ts'
import type { Edit } from './edits.ts'
import type { MyMesh } from './kept.ts'

export interface AdmitParts {
  readonly host: MeshesHost
  /** Put these changes; see create.ts. */
  change(mesh: MyMesh, edits: (profile: Profile) => Promise<readonly Edit[]>): Promise<void>
  /** Tell the joiner, through every relay that may hold its claim. */
  answer(mesh: MyMesh, invite: string, peer: string, code?: string): Promise<void>
}

/** Never rejects. A claim whose answer could not be sent comes again with the next desk. */
export async function admit(parts: AdmitParts, mesh: MyMesh, claim: Claim & { readonly peer: string }): Promise<void> {
  const { host } = parts
  if (!isOwner(host, mesh)) return
  let invite: string
  try {
    invite = readToken(claim.token).jti
  } catch {
    return
  }
  try {
    await parts.change(mesh, async (profile) => {
      const member = await judge(host, mesh, profile, claim)
      return member ? [member] : []
    })
    await parts.answer(mesh, invite, claim.peer)
    host.log('mesh.admitted', { mesh: mesh.id, peer: claim.peer })
  } catch (error) {
    const code = codeOf(error)
    host.log('mesh.claim.refused', { mesh: mesh.id, peer: claim.peer, code })
    // What failed here and not there may go well the next time.
    if (FINAL.has(code)) await parts.answer(mesh, invite, claim.peer, code).catch(() => undefined)
  }
}

const FINAL = new Set(['INVITE_INVALID', 'INVITE_EXPIRED', 'INVITE_USED', 'INVITE_WITHDRAWN', 'WRONG_MESH', 'LIMIT_REACHED'])

/** Undefined when it is in already. */
async function judge(
  { identity, clock }: MeshesHost,
  mesh: MyMesh,
  profile: Profile,
  claim: Claim & { readonly peer: string },
): Promise<Edit | undefined> {
  const now = clock.now()
  const token = await verifyToken(identity.verify, claim.token, now)
  if (token.mesh !== mesh.id) throw new MeshError('WRONG_MESH', 'an invite to another mesh')
  await verifyClaim(identity.verify, token, claim, claim.peer)
  const { members, spent } = profile
  if (members.some(({ p }) => p === claim.peer)) return undefined
  if (!members.some(({ p, r }) => p === token.iss && r === 'owner')) throw new MeshError('INVITE_INVALID', 'whoever made this invite is no owner')
  const count = spent[token.jti]?.[0] ?? 0
  if (count < 0) throw new MeshError('INVITE_WITHDRAWN', 'this invite was taken back')
  if (count >= token.uses) throw new MeshError('INVITE_USED', 'all uses of this invite are taken')
  if (!(await checkSealing(identity, claim.peer, claim.sealing))) throw new MeshError('INVITE_INVALID', 'the joiner did not certify its sealing key')
  const readKey = mesh.keys.get(token.epoch)
  if (!readKey) throw new MeshError('INVITE_INVALID', 'this invite is older than the keys that are kept')
  const role: MemberRole = await roleOfToken(token, readKey)
  const member = { p: claim.peer, k: claim.sealing.key, r: role, s: Math.floor(now / 1000) }
  return { t: 'add', member, invite: token.jti, until: token.exp * 1000 }
}
