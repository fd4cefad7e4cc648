/** Meets the members I see: the newer document goes to whoever has the older one, so that no relay can keep a removal or a new read key from anybody for good. Must never take what does not verify. */
import { isRemoved, verifyChain } from '../../access/membership.ts'
import type { MembersHooks, MembersService, MeshesHost } from '../../core/private-mesh.ts'
import { codeOf } from '../../shared/errors.ts'
import { isOwner } from './desks.ts'
import type { MyMesh } from './kept.ts'
import { MAX_MEETINGS, MEET_AFTER, MEET_AGAIN, MEET_OTHERS } from './limits.ts'
import type { MyMeshes } from './state.ts'

export interface Meetings {
  /** Somebody came, or something changed: see who is to be met. */
  look(): void
}

export function createMeetings(host: MeshesHost, my: MyMeshes, members: () => MembersService): Meetings {
  const { clock, log, identity, signal } = host
  /** By mesh and peer: my `seq` when we met, or when to try again (ms since 1970). */
  const met = new Map<string, number>()
  const failed = new Map<string, number>()
  const running = new Set<string>()
  let due = false

  const wanted = (): readonly (readonly [MyMesh, string])[] => {
    const here = new Set(host.presence.entries().flatMap((entry) => (entry.here ? [entry.peer] : [])))
    return my.all().flatMap((mesh) => {
      if (mesh.status !== 'joined') return []
      const others = (mesh.profile?.members ?? []).filter(({ p, spare }) => !spare && p !== identity.peer && here.has(p))
      const isMet = (peer: string) => (met.get(keyOf(mesh, peer)) ?? -1) >= mesh.seq
      const room = isOwner(host, mesh) ? others.length : MEET_OTHERS - others.filter(({ p }) => isMet(p)).length
      const left = others.filter(({ p }) => !isMet(p) && (failed.get(keyOf(mesh, p)) ?? 0) <= clock.now())
      return left.slice(0, Math.max(0, room)).map(({ p }) => [mesh, p] as const)
    })
  }
  const meet = async (mesh: MyMesh, peer: string) => {
    const key = keyOf(mesh, peer)
    running.add(key)
    try {
      await members().meet(peer, mesh.id, signal)
      failed.delete(key)
      met.set(key, mesh.seq)
    } catch (error) {
      if (signal.aborted) return
      log('mesh.meeting.failed', { mesh: mesh.id, peer, code: codeOf(error) }, 'debug')
      failed.set(key, clock.now() + MEET_AGAIN)
      clock.after(MEET_AGAIN, look)
    } finally {
      running.delete(key)
    }
    run()
  }
  const run = () => {
    if (signal.aborted) return
    for (const [mesh, peer] of wanted()) {
      if (running.size >= MAX_MEETINGS) return
      if (!running.has(keyOf(mesh, peer))) void meet(mesh, peer)
    }
  }
  const look = () => {
    if (due || signal.aborted) return
    due = true
    clock.after(MEET_AFTER, () => {
      due = false
      run()
    })
  }
  host.presence.onChange(look, signal)
  return { look }
}

function keyOf({ id }: MyMesh, peer: string): string {
  return `${id} ${peer}`
}

/** `left` is the owner's business; see create.ts. */
export function createMembersHooks({ identity, clock }: MeshesHost, my: MyMeshes, left: MembersHooks['left']): MembersHooks {
  const joined = (id: string) => {
    const mesh = my.find(id)
    return mesh?.status === 'joined' ? mesh : undefined
  }
  return {
    mine(id) {
      const mesh = joined(id)
      return mesh && { chain: mesh.chain, documents: { seq: mesh.seq, document: mesh.document, removed: mesh.removed } }
    },
    async standing(peer, id, chain) {
      try {
        const shown = await verifyChain(identity.verify, id, chain, clock.now())
        if (shown.peer !== peer) return 'stranger'
        return isRemoved(shown, joined(id)?.profile?.floors ?? {}) ? 'removed' : 'member'
      } catch {
        return 'stranger'
      }
    },
    async take(id, documents) {
      const mesh = joined(id)
      if (mesh) await my.take(mesh, documents)
    },
    async removed(id, newest) {
      const mesh = joined(id)
      if (mesh) await my.takeRemoval(mesh, newest)
    },
    left,
  }
}
