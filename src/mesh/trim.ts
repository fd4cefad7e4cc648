/** Which connections to close when there are too many: a pure choice (after libp2p's connection manager: low and high water, grace, protection). Nothing that the other side does alone may keep its connection, and no network may push out another. */
import { FRESH, HIGH_WATER, LOW_WATER } from './limits.ts'

export interface Trimmable {
  readonly id: string
  /** Never trimmed: relays that hold us, peers with streams that we have use for. */
  readonly protected: boolean
  /** ms since 1970. */
  readonly since: number
  /** ms since 1970 of the last bytes, or of the last stream opened or closed. */
  readonly used: number
  /** Address prefix it comes from. */
  readonly prefix: string
}

/**
 * Ids to close; empty at or below the high-water mark. Of the network with most connections first, and there the least recently used. Protected ones stay
 * even if that leaves more than the low-water mark, and fresh ones too, as long as they are no more than lie between the marks: of a flood the newest go first.
 */
export function chooseTrim(all: readonly Trimmable[], now: number, high = HIGH_WATER, low = LOW_WATER): readonly string[] {
  if (all.length <= high) return []
  const fresh = all.filter((one) => !one.protected && now - one.since < FRESH).sort((a, b) => a.since - b.since)
  const flood = new Set(fresh.slice(Math.max(0, high - low)))
  const graced = new Set(fresh.filter((one) => !flood.has(one)))
  const groups = new Map<string, { size: number; readonly candidates: Trimmable[] }>()
  for (const one of all) {
    const group = groups.get(one.prefix) ?? { size: 0, candidates: [] }
    groups.set(one.prefix, group)
    group.size++
    if (!one.protected && !graced.has(one)) group.candidates.push(one)
  }
  // Taken from the end: the newest of a flood, then the least recently used.
  for (const { candidates } of groups.values()) candidates.sort((a, b) => Number(flood.has(a)) - Number(flood.has(b)) || orderOf(a, b, flood))
  const chosen: string[] = []
  while (chosen.length < all.length - low) {
    let largest: { size: number; readonly candidates: Trimmable[] } | undefined
    for (const group of groups.values()) if (group.candidates.length > 0 && group.size > (largest?.size ?? 0)) largest = group
    const next = largest?.candidates.pop()
    if (!largest || !next) break
    largest.size--
    chosen.push(next.id)
  }
  return chosen
}

function orderOf(a: Trimmable, b: Trimmable, flood: ReadonlySet<Trimmable>): number {
  return flood.has(a) ? a.since - b.since : b.used - a.used
}
