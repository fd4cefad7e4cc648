/** Changes of a mesh document as data: applied on top of whatever is newest, again and again until a relay has them, so that two owners who change at once lose nothing. Pure. */
import { MAX_INVITES_PER_MESH, MAX_MEMBERS, MAX_REMOVED } from '../../access/limits.ts'
import type { Profile, ProfileMember } from '../../access/profile.ts'
import type { MemberRole } from '../../core/meshes.ts'
import { MeshError } from '../../shared/errors.ts'

export type Edit =
  | { readonly t: 'name'; readonly name: string }
  | { readonly t: 'add'; readonly member: ProfileMember; readonly invite: string; readonly until: number }
  /** A device of whoever made the mesh, by its user key. */
  | { readonly t: 'own'; readonly member: ProfileMember }
  | { readonly t: 'call'; readonly peer: string; readonly name: string }
  | { readonly t: 'role'; readonly peer: string; readonly role: MemberRole }
  | { readonly t: 'remove'; readonly peer: string }
  | { readonly t: 'withdraw'; readonly invite: string; readonly until: number }

export type Content = Pick<Profile, 'name' | 'members' | 'spent' | 'floors' | 'epoch'>

export interface Edited {
  readonly content: Content
  /** A new read key for everybody who is left. */
  readonly rotate: boolean
  /** Who needs new certificates. */
  readonly certify: ReadonlySet<string>
  readonly changed: boolean
}

/** `now` in ms. LIMIT_REACHED when the mesh is full. Applying the same edits twice changes nothing more. */
export function applyEdits(profile: Content, edits: readonly Edit[], now: number): Edited {
  let content: Content = { ...profile, spent: live(profile.spent, now) }
  let rotate = false
  let changed = false
  const certify = new Set<string>()
  for (const edit of edits) {
    const next = applyOne(content, edit)
    if (!next) continue
    content = next.content
    changed = true
    rotate ||= next.rotate === true
    if (next.certify) certify.add(next.certify)
  }
  if (rotate) content = { ...content, epoch: profile.epoch + 1 }
  return { content, rotate, certify, changed }
}

interface Step {
  readonly content: Content
  readonly rotate?: true
  readonly certify?: string
}

/** Undefined when it changes nothing. */
function applyOne(content: Content, edit: Edit): Step | undefined {
  const { members, spent, floors, epoch } = content
  const member = 'peer' in edit ? members.find(({ p }) => p === edit.peer) : undefined
  const replace = (change: Partial<ProfileMember>) => members.map((one) => (one === member ? { ...one, ...change } : one))
  switch (edit.t) {
    case 'name':
      return content.name === edit.name ? undefined : { content: { ...content, name: edit.name } }
    case 'add':
      return add(content, edit)
    case 'own':
      if (members.some(({ p }) => p === edit.member.p)) return undefined
      if (members.length >= MAX_MEMBERS) throw new MeshError('LIMIT_REACHED', `a mesh has at most ${MAX_MEMBERS} members`)
      return { content: { ...content, members: [...members, edit.member] }, certify: edit.member.p }
    case 'call':
      return !member || member.n === edit.name ? undefined : { content: { ...content, members: replace({ n: edit.name }) } }
    case 'role': {
      if (!member || member.r === edit.role) return undefined
      const next = { ...content, members: replace({ r: edit.role }) }
      // Whoever may no longer admit must not be able to with the certificate of before.
      if (member.r === 'owner') return { content: { ...next, floors: { ...floors, [edit.peer]: epoch + 1 } }, rotate: true, certify: edit.peer }
      return edit.role === 'owner' ? { content: next, certify: edit.peer } : { content: next }
    }
    case 'remove':
      if (!member) return undefined
      if (Object.keys(floors).length >= MAX_REMOVED && floors[edit.peer] === undefined)
        throw new MeshError('LIMIT_REACHED', `${MAX_REMOVED} devices were removed from this mesh; make a new one`)
      return {
        content: { ...content, members: members.filter((one) => one !== member), floors: { ...floors, [edit.peer]: epoch + 1 } },
        rotate: true,
      }
    case 'withdraw':
      if (spent[edit.invite]?.[0] === -1) return undefined
      return { content: { ...content, spent: spend(spent, edit.invite, -1, edit.until) } }
  }
}

function add(content: Content, { member, invite, until }: Edit & { t: 'add' }): Step | undefined {
  const { members, spent } = content
  if (members.some(({ p }) => p === member.p)) return undefined
  if (members.length >= MAX_MEMBERS) throw new MeshError('LIMIT_REACHED', `a mesh has at most ${MAX_MEMBERS} members`)
  const count = (spent[invite]?.[0] ?? 0) + 1
  return { content: { ...content, members: [...members, member], spent: spend(spent, invite, count, until) }, certify: member.p }
}

function spend(spent: Content['spent'], invite: string, count: number, until: number): Content['spent'] {
  if (spent[invite] === undefined && Object.keys(spent).length >= MAX_INVITES_PER_MESH)
    throw new MeshError('LIMIT_REACHED', `${MAX_INVITES_PER_MESH} invites of this mesh live; wait until some have run out`)
  return { ...spent, [invite]: [count, Math.floor(until / 1000)] }
}

function live(spent: Content['spent'], now: number): Content['spent'] {
  return Object.fromEntries(Object.entries(spent).filter(([, [, until]]) => until * 1000 > now))
}
