/** Private meshes of the fake mesh: every call is recorded and changes the state as the real one does; joining stays `waiting` until a test says otherwise. Never shipped. */
import type { MeshState } from '../../../src/core/mesh.ts'
import type { InviteInfo, InviteLook, MemberRole, MeshesApi, MeshInfo } from '../../../src/core/meshes.ts'
import { MeshError } from '../../../src/shared/errors.ts'

export const FAMILY = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
/** A link of the right shape; `Ana` invites to `Family`. */
export const LINK = `https://home.example/#join=${'e'.repeat(60)}.${'p'.repeat(400)}.${'s'.repeat(86)}.${'k'.repeat(43)}`

/** As recovery words are; of BIP 39's own examples. */
export const WORDS = 'legal winner thank year wave sausage worth useful legal winner thank yellow'.split(' ')

interface Core {
  state: MeshState
  change(part: Partial<MeshState>): void
  record(name: string, ...args: unknown[]): void
  nextId(prefix: string): string
}

export function fakeLook(): InviteLook {
  return {
    mesh: FAMILY,
    meshName: 'Family',
    from: 'Ana',
    relays: ['https://home.example'],
    role: 'member',
    until: Date.now() + 3 * 86_400_000,
  }
}

export function fakeMeshes(core: Core): MeshesApi {
  let invites: readonly InviteInfo[] = []
  const change = (id: string, part: (mesh: MeshInfo) => Partial<MeshInfo>) =>
    core.change({ meshes: core.state.meshes.map((one) => (one.id === id ? { ...one, ...part(one) } : one)) })
  const add = (mesh: Partial<MeshInfo> & { readonly id: string }) => {
    const fresh: MeshInfo = { name: '', role: 'member', status: 'joined', members: [], epoch: 0, relays: ['https://home.example'], ...mesh }
    core.change({ meshes: [...core.state.meshes.filter(({ id }) => id !== mesh.id), fresh] })
  }
  return {
    async create(name) {
      core.record('meshes.create', name)
      const me = { peer: core.state.peer, name: core.state.name, role: 'owner' as const, since: Date.now(), here: true }
      add({ id: FAMILY, name, role: 'owner', members: [me] })
      return FAMILY
    },
    async rename(id, name) {
      core.record('meshes.rename', id, name)
      change(id, () => ({ name }))
    },
    async invite(mesh, { role = 'member', uses = 1, until = 0 } = {}) {
      core.record('meshes.invite', mesh, role, uses, Math.round((until - Date.now()) / 3_600_000))
      const made = { id: core.nextId('i'), mesh, link: LINK, role, uses, used: 0, until }
      invites = [...invites, made]
      return made
    },
    invites: async (mesh) => invites.filter((one) => one.mesh === mesh),
    async withdraw(id) {
      core.record('meshes.withdraw', id)
      invites = invites.filter((one) => one.id !== id)
    },
    async look(link) {
      core.record('meshes.look', link)
      if (!link.includes('#join=eee')) throw new MeshError('INVITE_INVALID', 'a part of it is missing')
      return fakeLook()
    },
    async join(link) {
      core.record('meshes.join', link)
      add({ id: FAMILY, name: 'Family', status: 'waiting', waitingFor: 'Ana', role: 'guest' })
      return FAMILY
    },
    async setRole(id, peer, role: MemberRole) {
      core.record('meshes.setRole', id, peer, role)
      change(id, ({ members }) => ({ members: members.map((one) => (one.peer === peer ? { ...one, role } : one)) }))
    },
    async remove(id, peer) {
      core.record('meshes.remove', id, peer)
      change(id, ({ members, epoch }) => ({ epoch: epoch + 1, members: members.filter((one) => one.peer !== peer) }))
    },
    async shortCode(mesh, { role = 'member' } = {}) {
      core.record('meshes.shortCode', mesh, role)
      return { code: '42-legal-winner', until: Date.now() + 600_000 }
    },
    async enterCode(peer, code) {
      core.record('meshes.enterCode', peer, code)
      if (code !== '42-legal-winner') throw new MeshError('CODE_WRONG', 'that was not the code')
      return LINK
    },
    backup: async () => WORDS,
    async restore(words) {
      core.record('meshes.restore', words)
      if (words.trim() !== WORDS.join(' ')) throw new MeshError('WORDS_INVALID', 'word 3 is not one of the list')
      add({ id: FAMILY, name: 'Family', role: 'owner' })
      return [FAMILY]
    },
    async leave(id) {
      core.record('meshes.leave', id)
      core.change({ meshes: core.state.meshes.filter((one) => one.id !== id) })
    },
  }
}
