/** Who showed a relay that they are in which private mesh, for as long as their certificates say and nobody removed them. Pure bookkeeping, capped; the one shown longest ago goes first. */
import { MAX_SHOWN } from './limits.ts'

export interface Shown {
  readonly root: string
  readonly owner: boolean
  /** ms since 1970. */
  readonly until: number
  isRemoved(floors: Readonly<Record<string, number>>): boolean
}

export interface Book {
  add(mesh: string, peer: string, shown: Shown): void
  of(mesh: string, peer: string, now: number): Shown | undefined
  meshesOf(peer: string, now: number): readonly string[]
  /** Strikes out whom the list names. */
  strike(mesh: string, floors: Readonly<Record<string, number>>): void
}

export function createBook(): Book {
  const peers = new Map<string, Map<string, Shown>>()
  let size = 0
  const remove = (peer: string, mesh: string) => {
    const own = peers.get(peer)
    if (!own?.delete(mesh)) return
    size--
    if (own.size === 0) peers.delete(peer)
  }
  return {
    add(mesh, peer, shown) {
      const own = peers.get(peer) ?? new Map<string, Shown>()
      if (!own.has(mesh)) size++
      own.set(mesh, shown)
      // Back to the end: whoever came last goes last.
      peers.delete(peer)
      peers.set(peer, own)
      while (size > MAX_SHOWN) {
        const [oldest, meshes] = peers.entries().next().value as [string, Map<string, Shown>]
        remove(oldest, meshes.keys().next().value as string)
      }
    },
    of(mesh, peer, now) {
      const shown = peers.get(peer)?.get(mesh)
      return shown && shown.until > now ? shown : undefined
    },
    meshesOf: (peer, now) => [...(peers.get(peer) ?? [])].filter(([, { until }]) => until > now).map(([mesh]) => mesh),
    strike(mesh, floors) {
      for (const [peer, own] of [...peers]) if (own.get(mesh)?.isRemoved(floors)) remove(peer, mesh)
    },
  }
}
