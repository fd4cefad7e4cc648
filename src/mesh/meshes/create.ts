/** Private meshes (design §8, docs/adr/0012): the calls of MeshesApi on top of what is kept, the desks at relays, and presence. Loaded only by a peer that has one or asks for one. */
import { readLink } from '../../access/invite.ts'
import { loadUserKey, makeRoot, randomKey, userSealingKey } from '../../access/keyring.ts'
import { MAX_MESH_NAME } from '../../access/limits.ts'
import type { MeshesApi, MeshInfo, MeshMember } from '../../core/meshes.ts'
import type { MeshesHost, MeshesService } from '../../core/private-mesh.ts'
import { toBase64url } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { admit } from './admit.ts'
import { createBackup } from './backup.ts'
import { createShortCodes } from './codes.ts'
import { createDesks, type Desks, isOwner } from './desks.ts'
import { firstDocument } from './document.ts'
import { createInvites } from './invites.ts'
import { createJoiner, type Joiner } from './join.ts'
import { loadMeshes, type MyMesh } from './kept.ts'
import { createLeaver, hearLeave, type Leaver } from './leaving.ts'
import { MAX_MY_MESHES } from './limits.ts'
import { createMeetings, createMembersHooks } from './meetings.ts'
import { sealOfMesh } from './seal.ts'
import { createMyMeshes, type MyMeshes } from './state.ts'

/** Reads what is kept first. Ends with the host's signal. */
export async function createMeshes(host: MeshesHost): Promise<MeshesService> {
  const { identity, records, clock, log } = host
  const late: { desks?: Desks } = {}
  const my = createMyMeshes(host, () => late.desks as Desks)
  const answer = async (mesh: MyMesh, invite: string, peer: string, code?: string) => {
    const results = await Promise.allSettled(desks.open(mesh.id).map((desk) => desk.answer(invite, peer, code)))
    if (!results.some(({ status }) => status === 'fulfilled')) throw new MeshError('RELAY_UNREACHABLE', 'no relay took the answer')
  }
  const desks = createDesks(host, {
    documents: my.take,
    removed: my.takeRemoval,
    claim: (mesh, claim) => void admit({ host, change: my.change, answer }, mesh, claim),
    leaving: (mesh, going) => hearLeave(host, my, desks, mesh, going),
  })
  late.desks = desks
  const members = await host.members(createMembersHooks(host, my, (id, going) => hearLeave(host, my, desks, my.get(id), going)))
  const meetings = createMeetings(host, my, () => members)
  my.onChange(meetings.look)
  const joiner = createJoiner(host, my, desks)
  const invites = await createInvites(host, my, desks)
  for (const mesh of await loadMeshes(records, identity, clock.now(), log)) {
    await my.add(mesh)
    if (mesh.status === 'waiting' && !mesh.problem) joiner.resume(mesh)
  }
  return {
    ...createCalls(host, my, joiner, await createLeaver(host, desks, members)),
    ...invites,
    ...createBackup(host, my),
    ...(await createShortCodes(host, my, invites.invite)),
    infos: () => my.all().map((mesh) => infoOf(host, mesh)),
    sharedWith: (peer) =>
      my
        .all()
        .filter(({ status }) => status === 'joined')
        .flatMap(({ id, profile }) => {
          const member = profile?.members.find(({ p, spare }) => p === peer && !spare)
          return member ? [{ id, role: member.r }] : []
        }),
    nameOf: (peer) => {
      for (const { status, profile } of my.all()) {
        const name = status === 'joined' && profile?.members.find(({ p }) => p === peer)?.n
        if (name) return name
      }
      return undefined
    },
    sealFor: async (mesh) => sealOfMesh(my.find(mesh)),
  }
}

function createCalls(
  host: MeshesHost,
  my: MyMeshes,
  joiner: Joiner,
  leaver: Leaver,
): Pick<MeshesApi, 'create' | 'rename' | 'look' | 'join' | 'setRole' | 'remove' | 'leave'> {
  const { identity, clock } = host
  const memberOf = (mesh: MyMesh, peer: string) => {
    const member = mesh.profile?.members.find(({ p, spare }) => p === peer && !spare)
    if (!member) throw new MeshError('BAD_ARGUMENT', 'this peer is not in the mesh')
    return member
  }
  const lastOwner = (mesh: MyMesh, peer: string) => !mesh.profile?.members.some(({ p, r, spare }) => r === 'owner' && !spare && p !== peer)
  return {
    async create(name) {
      if (my.all().length >= MAX_MY_MESHES) throw new MeshError('LIMIT_REACHED', `you are in ${MAX_MY_MESHES} meshes; leave one first`)
      const mesh = await makeMesh(host, cleanName(name))
      await my.add(mesh)
      return mesh.id
    },
    rename: (id, name) => my.change(my.get(id), () => [{ t: 'name', name: cleanName(name) }]),
    look: async (link) => (await readLink(identity.verify, link, clock.now())).look,
    async join(link, { signal } = {}) {
      const id = await joiner.join(link, signal)
      await leaver.stay(id)
      return id
    },
    setRole: (id, peer, role) => {
      const mesh = my.get(id)
      return my.change(mesh, () => {
        if (memberOf(mesh, peer).r === 'owner' && role !== 'owner' && lastOwner(mesh, peer))
          throw new MeshError('BAD_ARGUMENT', 'a mesh needs an owner: make somebody else owner first')
        return [{ t: 'role', peer, role }]
      })
    },
    remove: (id, peer) => {
      const mesh = my.get(id)
      if (peer === identity.peer) throw new MeshError('BAD_ARGUMENT', 'to go yourself, leave the mesh')
      return my.change(mesh, () => [{ t: 'remove', peer: memberOf(mesh, peer).p }])
    },
    async leave(id) {
      const mesh = my.get(id)
      joiner.stop(id)
      const others = mesh.profile?.members.filter(({ p, spare }) => p !== identity.peer && !spare) ?? []
      if (mesh.status === 'joined' && isOwner(host, mesh) && others.length > 0) {
        if (lastOwner(mesh, identity.peer))
          throw new MeshError('BAD_ARGUMENT', 'a mesh needs an owner: make somebody else owner first, or remove the others')
        await my.change(mesh, () => [{ t: 'remove', peer: identity.peer }])
      } else if (mesh.status === 'joined' && others.length > 0) await leaver.leave(mesh)
      await my.drop(id)
    },
  }
}

async function makeMesh(host: MeshesHost, name: string): Promise<MyMesh> {
  const { identity, records, clock } = host
  const now = clock.now()
  const user = await loadUserKey(identity, records)
  const { id, chain, userChain } = await makeRoot(identity, user, now)
  const relays = host.relays().map(({ origin }) => origin)
  const at = { status: 'joined' as const, relays, document: '', removed: '', seq: 0, keys: new Map(), edits: [], at: now }
  const mesh: MyMesh = { id, name, chain, userChain, ...at }
  const readKey = randomKey()
  const since = Math.floor(now / 1000)
  const own = { p: identity.peer, k: toBase64url(identity.sealing.publicKey), r: 'owner' as const, s: since, n: host.name() }
  const spare = { p: user.peer, k: userSealingKey(user), r: 'owner' as const, s: since, spare: true as const }
  const shares = { [own.p]: { readKey, chain }, [spare.p]: { readKey, chain: userChain } }
  await firstDocument({ identity, records, now: () => clock.now() }, mesh, readKey, [own, spare], shares)
  return mesh
}

function infoOf(host: MeshesHost, mesh: MyMesh): MeshInfo {
  const { id, name, status, waitingFor, problem, relays, profile } = mesh
  const here = new Map(host.presence.entries().map((entry) => [entry.peer, entry] as const))
  const members = (profile?.members ?? []).filter(({ spare }) => !spare)
  const shown = members.map(({ p, n, r, s }): MeshMember => {
    const isMe = p === host.identity.peer
    const entry = here.get(p)
    const name = isMe ? host.name() : (n ?? entry?.name ?? '')
    return { peer: p, name, role: r, since: s * 1000, here: isMe || (entry?.here === true && entry.meshes.includes(id)) }
  })
  const role = members.find(({ p }) => p === host.identity.peer)?.r ?? 'guest'
  return { id, name, role, status, waitingFor, problem, members: status === 'joined' ? shown : [], epoch: profile?.epoch ?? 0, relays }
}

function cleanName(name: string): string {
  const clean = name.replace(/[\p{Cc}\p{Cf}]/gu, '').trim()
  if (!clean || clean.length > MAX_MESH_NAME) throw new MeshError('BAD_ARGUMENT', `the name of a mesh has 1 to ${MAX_MESH_NAME} characters`)
  return clean
}
