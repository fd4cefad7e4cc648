/** Leaving: whoever goes says so, signed, to a relay and to owners it sees, for as long as it takes; an owner's device takes it out, which rotates the read key. */
import { signLeave, verifyLeave } from '../../access/membership.ts'
import { backoff } from '../../core/backoff.ts'
import type { DeskEvents, Leaving, MembersService, MeshesHost } from '../../core/private-mesh.ts'
import { sleep } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { type Desks, isOwner } from './desks.ts'
import type { MyMesh } from './kept.ts'
import { LEAVE_RETRY, LEAVE_TIME, MAX_MY_MESHES, MEET_OTHERS } from './limits.ts'
import type { MyMeshes } from './state.ts'

/** What is kept of a mesh that I left, until somebody knows. */
interface Going {
  readonly mesh: string
  readonly relays: readonly string[]
  readonly chain: readonly string[]
  readonly leave: string
  /** ms since 1970. */
  readonly until: number
}

export interface Leaver {
  /** Resolves when it is stored here: going must not depend on others. */
  leave(mesh: MyMesh): Promise<void>
  /** I come back before anybody heard of it. */
  stay(id: string): Promise<void>
}

const keyOf = (id: string) => `going ${id}`
const NOTHING: DeskEvents & { removed(): void } = {
  documents: () => undefined,
  claim: () => undefined,
  leaving: () => undefined,
  removed: () => undefined,
}

/** Goes on with what was not told before. */
export async function createLeaver(host: MeshesHost, desks: Desks, members: MembersService): Promise<Leaver> {
  const { identity, records, clock, presence } = host
  const running = new Map<string, AbortController>()

  const atRelay = async ({ mesh, chain, leave }: Going, origin: string, signal: AbortSignal) => {
    const relay = await desks.connected(origin, signal)
    const own = new AbortController()
    try {
      const desk = await host.desks.attend(relay, { mesh, chain, have: Number.MAX_SAFE_INTEGER }, NOTHING, AbortSignal.any([signal, own.signal]))
      await desk.leave(leave)
    } catch (error) {
      // They know already.
      if (codeOf(error) !== 'NOT_MEMBER') throw error
    } finally {
      own.abort(new MeshError('CLOSED', 'told'))
    }
  }
  const tell = async (going: Going, signal: AbortSignal) => {
    for (let failures = 0; clock.now() < going.until; failures++) {
      try {
        await Promise.any(going.relays.map((origin) => atRelay(going, origin, signal)))
        break
      } catch (error) {
        if (signal.aborted) return
        host.log('mesh.leave.untold', { mesh: going.mesh, code: codeOf((error as AggregateError).errors?.[0]) }, 'debug')
        await sleep(clock, backoff(failures + 1, host.random(), LEAVE_RETRY), signal).catch(() => undefined)
      }
    }
    await records.delete('mesh', keyOf(going.mesh))
  }
  const start = (going: Going) => {
    const own = new AbortController()
    running.set(going.mesh, own)
    void tell(going, AbortSignal.any([own.signal, host.signal])).catch((error: unknown) =>
      host.log('mesh.leave.untold', { mesh: going.mesh, code: codeOf(error) }, 'warn'),
    )
    return own.signal
  }
  for (const [, going] of await records.list<Going>('mesh', { prefix: keyOf(''), limit: MAX_MY_MESHES })) start(going)

  return {
    async leave({ id, relays, chain, profile }) {
      const leave = await signLeave(identity, { mesh: id, epoch: profile?.epoch ?? 0, now: clock.now() })
      const going: Going = { mesh: id, relays, chain, leave, until: clock.now() + LEAVE_TIME }
      await records.put('mesh', keyOf(id), going)
      const signal = start(going)
      const here = new Set(presence.entries().flatMap((entry) => (entry.here ? [entry.peer] : [])))
      const owners = (profile?.members ?? []).filter(({ p, r, spare }) => r === 'owner' && !spare && here.has(p)).slice(0, MEET_OTHERS)
      for (const { p } of owners) void members.leave(p, id, leave, AbortSignal.any([signal, host.signal])).catch(() => undefined)
    },
    async stay(id) {
      running.get(id)?.abort(new MeshError('ABORTED', 'back again'))
      running.delete(id)
      await records.delete('mesh', keyOf(id))
    },
  }
}

/** Takes out whoever goes; nothing happens on a device that is no owner's. WRONG_MESH. */
export async function hearLeave(host: MeshesHost, my: MyMeshes, desks: Desks, mesh: MyMesh, { peer, leave }: Leaving): Promise<void> {
  if (!isOwner(host, mesh)) return
  await my.change(mesh, async ({ floors, members }) => {
    if (!members.some(({ p, spare }) => p === peer && !spare)) return []
    await verifyLeave(host.identity.verify, mesh.id, peer, leave, floors)
    return [{ t: 'remove', peer }]
  })
  await Promise.allSettled(desks.open(mesh.id).map((desk) => desk.left(peer)))
}
