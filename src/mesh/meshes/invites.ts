/** Invites of mine: made here, kept sealed to this device because their links are secrets, withdrawn at the relay that counts them. */
import { makeInvite } from '../../access/invite.ts'
import { openFromSelf, sealToSelf } from '../../access/keyring.ts'
import { INVITE_LIFETIME, MAX_INVITE_LIFETIME, MAX_INVITE_USES, MAX_INVITES_PER_MESH, MAX_OPENS } from '../../access/limits.ts'
import type { InviteInfo, InviteOptions, MeshesApi } from '../../core/meshes.ts'
import type { MeshesHost } from '../../core/private-mesh.ts'
import { fromUtf8, toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { type Desks, isOwner } from './desks.ts'
import type { MyMesh } from './kept.ts'
import type { MyMeshes } from './state.ts'

type KeptInvite = Omit<InviteInfo, 'link' | 'used'> & { readonly sealedLink: Uint8Array }

const keyOf = (id: string) => `made ${id}`
const MAX_LABEL = 128 // characters, for me alone

export async function createInvites(host: MeshesHost, my: MyMeshes, desks: Desks): Promise<Pick<MeshesApi, 'invite' | 'invites' | 'withdraw'>> {
  const { records, identity, clock } = host
  const list = async () => {
    const rows = await records.list<KeptInvite>('mesh', { prefix: keyOf('') })
    return rows.map(([, invite]) => invite)
  }
  for (const { id, until } of await list()) if (until <= clock.now()) await records.delete('mesh', keyOf(id))
  const show = async ({ sealedLink, ...invite }: KeptInvite): Promise<InviteInfo> => {
    const count = my.find(invite.mesh)?.profile?.spent[invite.id]?.[0] ?? 0
    return { ...invite, used: Math.max(0, count), link: fromUtf8(await openFromSelf(identity, invite.id, sealedLink)) ?? '' }
  }
  const alive = async (mesh: string) => (await list()).filter((invite) => invite.mesh === mesh && invite.until > clock.now())

  return {
    async invite(id, options = {}) {
      const mesh = my.get(id)
      const wanted = check(options, clock.now())
      if ((await alive(id)).length >= MAX_INVITES_PER_MESH)
        throw new MeshError('LIMIT_REACHED', `${MAX_INVITES_PER_MESH} invites live; withdraw some`)
      const { link, id: jti } = await makeInvite(identity, { ...requestFor(host, mesh), ...wanted })
      const sealedLink = await sealToSelf(identity, jti, toUtf8(link))
      const { role, uses, until, opens, label } = wanted
      const kept: KeptInvite = { id: jti, mesh: id, role, uses, until, ...(opens ? { opens } : {}), ...(label ? { label } : {}), sealedLink }
      await records.put('mesh', keyOf(jti), kept)
      return show(kept)
    },
    async invites(id) {
      my.get(id)
      return Promise.all((await alive(id)).map(show))
    },
    async withdraw(invite) {
      const kept = await records.get<KeptInvite>('mesh', keyOf(invite))
      if (!kept) throw new MeshError('BAD_ARGUMENT', 'no invite of yours has this id')
      // In the document first: then no owner's device admits by it, whatever a relay says.
      await my.change(my.get(kept.mesh), () => [{ t: 'withdraw', invite, until: kept.until }])
      await Promise.allSettled(desks.open(kept.mesh).map((desk) => desk.withdraw(invite, kept.until)))
      await records.delete('mesh', keyOf(invite))
    },
  }
}

/** The relay that counts is the first of the mesh's that is connected now: it has to know the mesh. RELAY_UNREACHABLE. */
function requestFor(host: MeshesHost, mesh: MyMesh) {
  const { profile, relays, id, name } = mesh
  const readKey = profile && mesh.keys.get(profile.epoch)
  if (!profile || !readKey || mesh.status !== 'joined') throw new MeshError('NOT_MEMBER', 'you are not in this mesh yet')
  if (!isOwner(host, mesh)) throw new MeshError('NOT_ADMITTER', 'only owners of this mesh may invite')
  const relay = host.relays().find(({ origin, connected }) => connected && relays.includes(origin))
  if (!relay) throw new MeshError('RELAY_UNREACHABLE', 'no relay of this mesh is connected, and one has to count the invite')
  return {
    mesh: id,
    meshName: name,
    from: host.name(),
    now: host.clock.now(),
    claimRelay: { peer: relay.id, origin: relay.origin },
    relays: relays.filter((origin) => origin !== relay.origin),
    epoch: profile.epoch,
    readKey,
  }
}

function check({ role = 'member', uses = 1, until, opens, label }: InviteOptions, now: number) {
  const end = Math.floor((until ?? now + INVITE_LIFETIME) / 1000) * 1000
  if (!['owner', 'member', 'guest'].includes(role)) throw new MeshError('BAD_ARGUMENT', 'a role is owner, member or guest')
  if (!Number.isInteger(uses) || uses < 1 || uses > MAX_INVITE_USES) throw new MeshError('BAD_ARGUMENT', `an invite has 1 to ${MAX_INVITE_USES} uses`)
  if (!(end > now) || end > now + MAX_INVITE_LIFETIME) throw new MeshError('BAD_ARGUMENT', 'an invite ends within a year from now')
  if ((opens?.length ?? 0) > MAX_OPENS || (label?.length ?? 0) > MAX_LABEL)
    throw new MeshError('BAD_ARGUMENT', 'what the invite opens, or its label, is too long')
  return { role, uses, until: end, opens, label }
}
