/** What a relay keeps for private meshes, on its disk: sealed documents, and how often each invite was claimed and by whom. Each count changes in one transaction of the store. Capped; it can read none of what it keeps. */
import type { Claim, Leaving, MeshDocuments } from '../../core/private-mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_INVITES, MAX_INVITES_PER_MESH, MAX_LEAVING, MAX_MESHES, MAX_MESHES_PER_PREFIX, MAX_OWNERS, MAX_USES, MESH_IDLE } from './limits.ts'

/** What is known of a mesh without its document. */
export interface MeshAbout {
  readonly seq: number
  readonly removed: string
  readonly floors: Readonly<Record<string, number>>
  /** Peers that showed an owner's certificate here: whose invites count. */
  readonly owners: readonly string[]
  /** The user key that made it. */
  readonly root?: string
  /** Address prefix it was made from. */
  readonly prefix: string
  /** ms since 1970 when somebody came for it last. */
  readonly used: number
}

export interface KeptClaim extends Claim {
  readonly peer: string
  /** ms since 1970. */
  readonly at: number
  /** Undefined = waits; '' = admitted; else why not. */
  readonly answer?: string
}

interface KeptInvite {
  readonly mesh: string
  readonly id: string
  readonly until: number
  readonly uses: number
  readonly withdrawn?: true
  readonly claims: readonly Omit<KeptClaim, 'token'>[]
  readonly token: string
}

export interface Ledger {
  about(mesh: string): MeshAbout | undefined
  documents(mesh: string): Promise<MeshDocuments | undefined>
  /** OLD_RECORD when as new a one is here, RELAY_FULL. */
  put(mesh: string, documents: MeshDocuments, floors: MeshAbout['floors'], prefix: string, now: number): Promise<void>
  /** Somebody came for it. */
  touch(mesh: string, owner: string | undefined, now: number, root?: string): Promise<void>
  /** Meshes that this user key made. */
  madeBy(user: string): readonly string[]
  /** Counts once a peer, in one transaction. INVITE_USED, INVITE_WITHDRAWN, RELAY_FULL. */
  claim(invite: { mesh: string; id: string; uses: number; until: number }, claim: KeptClaim): Promise<KeptClaim>
  /** Claims of the mesh that nobody answered. */
  waiting(mesh: string, now: number): Promise<readonly KeptClaim[]>
  /** False when there is no such claim, or it is answered. */
  answer(mesh: string, invite: string, peer: string, code: string): Promise<boolean>
  withdraw(mesh: string, invite: string, until: number): Promise<readonly string[]>
  /** Kept until an owner took care of it. LIMIT_REACHED. */
  leave(mesh: string, going: Leaving): Promise<void>
  left(mesh: string, peer: string): Promise<void>
  leaving(mesh: string): Promise<readonly Leaving[]>
  sweep(now: number): Promise<void>
}

const aboutKey = (mesh: string) => `about ${mesh}`
const documentKey = (mesh: string) => `document ${mesh}`
const leavingKey = (mesh: string) => `leaving ${mesh}`
const inviteKey = (mesh: string, id: string) => `invite ${mesh} ${id}`

export async function openLedger(records: RecordStore): Promise<Ledger> {
  const abouts = new Map<string, MeshAbout>()
  for (const [key, about] of await records.list<MeshAbout>('mesh', { prefix: 'about ', limit: MAX_MESHES }))
    abouts.set(key.slice('about '.length), about)
  /** Ends of the invites by their key. */
  const invites = new Map<string, number>()
  for (const [key, { until }] of await records.list<KeptInvite>('mesh', { prefix: 'invite ', limit: MAX_INVITES })) invites.set(key, until)

  const drop = async (mesh: string) => {
    abouts.delete(mesh)
    await records.delete('mesh', documentKey(mesh))
    await records.delete('mesh', aboutKey(mesh))
    await records.delete('mesh', leavingKey(mesh))
    for (const key of [...invites.keys()].filter((one) => one.startsWith(inviteKey(mesh, '')))) await dropInvite(key)
  }
  const dropInvite = async (key: string) => {
    invites.delete(key)
    await records.delete('mesh', key)
  }
  const save = async (mesh: string, about: MeshAbout) => {
    abouts.set(mesh, about)
    await records.put('mesh', aboutKey(mesh), about)
  }
  const makeRoom = async (prefix: string, now: number) => {
    if ([...abouts.values()].filter((about) => about.prefix === prefix).length >= MAX_MESHES_PER_PREFIX)
      throw new MeshError('RELAY_FULL', `${MAX_MESHES_PER_PREFIX} meshes were made from this network already`)
    if (abouts.size < MAX_MESHES) return
    const [oldest] = [...abouts].sort(([, a], [, b]) => a.used - b.used)
    if (!oldest || oldest[1].used + MESH_IDLE > now) throw new MeshError('RELAY_FULL', `${MAX_MESHES} meshes are kept here already`)
    await drop(oldest[0])
  }
  const makeInviteRoom = (key: string, mesh: string) => {
    if (invites.has(key)) return
    const own = [...invites.keys()].filter((one) => one.startsWith(inviteKey(mesh, ''))).length
    if (invites.size >= MAX_INVITES || own >= MAX_INVITES_PER_MESH) throw new MeshError('RELAY_FULL', 'no more invites can be counted here now')
  }
  const change = async (key: string, until: number, edit: (old: KeptInvite | undefined) => KeptInvite | undefined) => {
    invites.set(key, until)
    await records.update<KeptInvite>('mesh', key, edit)
  }

  return {
    about: (mesh) => abouts.get(mesh),
    async documents(mesh) {
      const about = abouts.get(mesh)
      const document = about && (await records.get<string>('mesh', documentKey(mesh)))
      return document === undefined ? undefined : { seq: about?.seq ?? 0, document, removed: about?.removed ?? '' }
    },
    async put(mesh, { seq, document, removed }, floors, prefix, now) {
      const old = abouts.get(mesh)
      if (old && seq <= old.seq) throw new MeshError('OLD_RECORD', 'a document as new as this one is here')
      if (!old) await makeRoom(prefix, now)
      // In memory first: a second put at the same time must find it taken.
      const about: MeshAbout = { root: old?.root, owners: old?.owners ?? [], prefix: old?.prefix ?? prefix, seq, removed, floors, used: now }
      abouts.set(mesh, about)
      await records.put('mesh', documentKey(mesh), document)
      await records.put('mesh', aboutKey(mesh), abouts.get(mesh) ?? about)
    },
    madeBy: (user) => [...abouts].flatMap(([mesh, { root }]) => (root === user ? [mesh] : [])),
    async touch(mesh, owner, now, root) {
      const about = abouts.get(mesh)
      if (!about) return
      const owners = owner && !about.owners.includes(owner) ? [...about.owners, owner].slice(-MAX_OWNERS) : about.owners
      await save(mesh, { ...about, owners, used: now, ...(root ? { root } : {}) })
    },
    async claim({ mesh, id, uses, until }, claim) {
      const key = inviteKey(mesh, id)
      makeInviteRoom(key, mesh)
      let mine: KeptClaim | undefined
      let failure: MeshError | undefined
      const { token, ...rest } = claim
      await change(key, until, (old = { mesh, id, uses, until, token, claims: [] }) => {
        const known = old.claims.find(({ peer }) => peer === claim.peer)
        if (known) mine = { ...known, token }
        else if (old.withdrawn) failure = new MeshError('INVITE_WITHDRAWN', 'this invite was taken back')
        else if (old.claims.length >= Math.min(uses, MAX_USES)) failure = new MeshError('INVITE_USED', 'all uses of this invite are taken')
        if (mine || failure) return old
        mine = claim
        return { ...old, uses, token, claims: [...old.claims, rest] }
      })
      if (!mine) throw failure ?? new MeshError('INTERNAL', 'the claim was not counted')
      return mine
    },
    async waiting(mesh, now) {
      const rows = await records.list<KeptInvite>('mesh', { prefix: inviteKey(mesh, ''), limit: MAX_INVITES_PER_MESH })
      return rows
        .filter(([, { until }]) => until > now)
        .flatMap(([, { token, claims }]) => claims.filter(({ answer }) => answer === undefined).map((claim) => ({ ...claim, token })))
    },
    async answer(mesh, invite, peer, code) {
      let found = false
      const key = inviteKey(mesh, invite)
      if (!invites.has(key)) return false
      await records.update<KeptInvite>('mesh', key, (old) => {
        if (!old) return undefined
        const claims = old.claims.map((claim) => {
          if (claim.peer !== peer || claim.answer !== undefined) return claim
          found = true
          return { ...claim, answer: code }
        })
        return { ...old, claims }
      })
      return found
    },
    async withdraw(mesh, id, until) {
      const key = inviteKey(mesh, id)
      makeInviteRoom(key, mesh)
      const cut: string[] = []
      await change(key, until, (old = { mesh, id, uses: 0, until, token: '', claims: [] }) => {
        const claims = old.claims.map((claim) => {
          if (claim.answer !== undefined) return claim
          cut.push(claim.peer)
          return { ...claim, answer: 'INVITE_WITHDRAWN' }
        })
        return { ...old, claims, withdrawn: true as const }
      })
      return cut
    },
    async leave(mesh, going) {
      if (!abouts.has(mesh)) return
      await records.update<readonly Leaving[]>('mesh', leavingKey(mesh), (old = []) => {
        const others = old.filter(({ peer }) => peer !== going.peer)
        if (others.length >= MAX_LEAVING) throw new MeshError('LIMIT_REACHED', `${MAX_LEAVING} members of this mesh wait to be taken out`)
        return [...others, going]
      })
    },
    async left(mesh, peer) {
      await records.update<readonly Leaving[]>('mesh', leavingKey(mesh), (old = []) => {
        const rest = old.filter((one) => one.peer !== peer)
        return rest.length > 0 ? rest : undefined
      })
    },
    leaving: async (mesh) => (await records.get<readonly Leaving[]>('mesh', leavingKey(mesh))) ?? [],
    async sweep(now) {
      for (const [key, until] of [...invites]) if (until < now) await dropInvite(key)
    },
  }
}
