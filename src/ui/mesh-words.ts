/** What a private mesh, a role and an invite are called, and what they mean, in sentences. Finds an invite in a text. Pure. */
import type { MeshState, PeerInfo } from '../core/mesh.ts'
import type { InviteInfo, MemberRole, MeshInfo } from '../core/meshes.ts'
import { plainName } from './untrusted.ts'
import { durationText } from './words.ts'

/** Which peers are shown: everybody, those of the lobby, or those of one mesh by its id. */
export const EVERYONE = ''
export const LOBBY = 'lobby'

export const ROLES: Readonly<Record<MemberRole, string>> = { owner: 'Owner', member: 'Member', guest: 'Guest' }

export const ROLE_MEANS: Readonly<Record<MemberRole, string>> = {
  owner: 'sees who is in it, and may invite, rename and remove',
  member: 'sees who is in it, and has what you allow members',
  guest: 'sees who is in it, and has what you allow guests',
}

export function meshName(mesh: Pick<MeshInfo, 'name'>): string {
  return plainName(mesh.name, 'A private mesh')
}

/** Name of what is shown, as the header says it. */
export function shownName(state: MeshState, shown: string): string {
  const mesh = state.meshes.find(({ id }) => id === shown)
  if (mesh) return meshName(mesh)
  return shown === LOBBY || state.meshes.length === 0 ? 'Lobby' : 'Everyone'
}

/** The peers of what is shown; everybody when that mesh is gone. */
export function shownPeers(state: MeshState, shown: string): readonly PeerInfo[] {
  if (shown !== LOBBY && !state.meshes.some(({ id }) => id === shown)) return state.peers
  return state.peers.filter(({ meshes }) => meshes.includes(shown))
}

/** "Family · Lobby": where I meet this peer. Empty for somebody who has no private mesh: there is nothing to tell apart. */
export function meetingText(state: MeshState, peer: PeerInfo): string {
  if (state.meshes.length === 0) return ''
  const names = state.meshes.filter(({ id }) => peer.meshes.includes(id)).map(meshName)
  return [...names, ...(peer.meshes.includes(LOBBY) ? ['Lobby'] : [])].join(' · ')
}

/** "2 of 5 here". */
export function hereText({ members }: Pick<MeshInfo, 'members'>): string {
  if (members.length <= 1) return 'only you so far'
  return `${members.filter(({ here }) => here).length} of ${members.length} here`
}

export function leftToUse({ used, uses, until }: Pick<InviteInfo, 'used' | 'uses' | 'until'>, now: number): string {
  return `${used} of ${uses} used · ${durationText((until - now) / 1000)} left`
}

/** Whose devices have to come online before I am in. */
export function waitingText(mesh: Pick<MeshInfo, 'waitingFor'>): string {
  const name = mesh.waitingFor ? plainName(mesh.waitingFor, '') : ''
  return name ? `Waiting for ${name}’s devices` : 'Waiting for an owner’s device'
}

/** The link in a text, whatever stands around it; never more than that. */
export function findInvite(text: string): string | undefined {
  return /https?:\/\/[^\s#]{1,300}#join=[\w.-]{40,4096}/.exec(text.slice(0, 16_384))?.[0]
}

/** True for the fragment of an invite. */
export function isInviteFragment(fragment: string): boolean {
  return fragment.startsWith('#join=')
}
