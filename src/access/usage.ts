/** Counts what each (who, may) did in the last minute and has running, for the Usage argument of a decision. Bounded; when it cannot count any more it says "too much". */
import type { Usage } from '../core/access.ts'
import type { Clock } from '../shared/clock.ts'
import { MAX_USAGE_KEYS } from './limits.ts'

/** ms of one slot. Starts are counted for 60 to 65 s: never less than the promised minute. */
const SLOT_MS = 5_000
const SLOTS = 13

export interface UsageCounter {
  read(who: string, may: string): Usage
  /** Count a start; call the returned function once when it ended (more calls do nothing). */
  start(who: string, may: string): () => void
  /** Pairs held now. */
  size(): number
}

interface Entry {
  /** starts[i] was counted in slot number stamp[i]. */
  readonly starts: Float64Array
  readonly stamp: Float64Array
  concurrent: number
}

/** `who` is a PeerID, or anything else that limits are kept for, e.g. an IP prefix. */
export function createUsage(clock: Clock, options: { readonly maxKeys?: number } = {}): UsageCounter {
  const maxKeys = options.maxKeys ?? MAX_USAGE_KEYS
  const entries = new Map<string, Entry>()
  const slotNow = () => Math.floor(clock.monotonic() / SLOT_MS)
  const sum = (entry: Entry): number => {
    const oldest = slotNow() - SLOTS
    return entry.starts.reduce((total, count, i) => ((entry.stamp[i] as number) > oldest ? total + count : total), 0)
  }
  let searched = Number.NEGATIVE_INFINITY
  /** Room for one more; only entries that no limit depends on may go. One search a slot, or a flood of names would make each question cost the whole table. */
  const makeRoom = (): boolean => {
    if (entries.size < maxKeys) return true
    if (searched === slotNow()) return false
    searched = slotNow()
    for (const [key, entry] of entries) if (entry.concurrent === 0 && sum(entry) === 0) entries.delete(key)
    return entries.size < maxKeys
  }
  return {
    read(who, may) {
      const entry = entries.get(keyOf(who, may))
      if (entry) return { startsLastMinute: sum(entry), concurrent: entry.concurrent }
      const unknown = makeRoom() ? 0 : Number.POSITIVE_INFINITY
      return { startsLastMinute: unknown, concurrent: unknown }
    },
    start(who, may) {
      const key = keyOf(who, may)
      const known = entries.get(key)
      if (!known && !makeRoom()) return () => undefined
      const entry = known ?? { starts: new Float64Array(SLOTS), stamp: new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY), concurrent: 0 }
      entries.set(key, entry)
      const slot = slotNow()
      const i = slot % SLOTS
      entry.starts[i] = entry.stamp[i] === slot ? (entry.starts[i] as number) + 1 : 1
      entry.stamp[i] = slot
      entry.concurrent++
      let ended = false
      return () => {
        if (ended) return
        ended = true
        entry.concurrent--
      }
    },
    size: () => entries.size,
  }
}

/** JSON keeps ('a', 'b c') and ('a b', 'c') apart, whatever the names contain. */
function keyOf(who: string, may: string): string {
  return JSON.stringify([who, may])
}
