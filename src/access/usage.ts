/** Counts what each (who, may) did in the last minute and has running, for the Usage argument of a decision. Bounded: the one idle longest is forgotten, and only when everything runs does it say "too much". */
import type { Usage } from '../core/access.ts'
import type { Clock } from '../shared/clock.ts'
import { MAX_USAGE_KEYS } from './limits.ts'

/** ms of one slot. Starts are counted for 60 to 65 s: never less than the promised minute. */
const SLOT_MS = 5_000
const SLOTS = 13

export interface UsageCounter {
  read(who: string, may: string): Usage
  /** Count a start; call the returned function once when it ended (more calls do nothing). `undo`: as if it had never started. */
  start(who: string, may: string): (undo?: boolean) => void
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
  const running = new Map<string, Entry>()
  /** In the order of their last use. A flood of names makes only idle ones forgotten: whoever has many names has no use for the count of one. */
  const idle = new Map<string, Entry>()
  const slotNow = () => Math.floor(clock.monotonic() / SLOT_MS)
  const sum = (entry: Entry): number => {
    const oldest = slotNow() - SLOTS
    return entry.starts.reduce((total, count, i) => ((entry.stamp[i] as number) > oldest ? total + count : total), 0)
  }
  /** What was used longer ago than the minute that counts says nothing any more. */
  const forgetOld = () => {
    const oldest = slotNow() - SLOTS
    for (const [key, entry] of idle) {
      if (entry.stamp.some((slot) => slot > oldest)) return
      idle.delete(key)
    }
  }
  const find = (key: string) => running.get(key) ?? idle.get(key)
  const isFull = () => running.size >= maxKeys
  return {
    read(who, may) {
      const entry = find(keyOf(who, may))
      if (entry) return { startsLastMinute: sum(entry), concurrent: entry.concurrent }
      const unknown = isFull() ? Number.POSITIVE_INFINITY : 0
      return { startsLastMinute: unknown, concurrent: unknown }
    },
    start(who, may) {
      const key = keyOf(who, may)
      const known = find(key)
      if (!known && isFull()) return () => undefined
      const entry = known ?? { starts: new Float64Array(SLOTS), stamp: new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY), concurrent: 0 }
      idle.delete(key)
      forgetOld()
      running.set(key, entry)
      if (running.size + idle.size > maxKeys) idle.delete(idle.keys().next().value as string)
      const slot = slotNow()
      const i = slot % SLOTS
      entry.starts[i] = entry.stamp[i] === slot ? (entry.starts[i] as number) + 1 : 1
      entry.stamp[i] = slot
      entry.concurrent++
      let ended = false
      return (undo) => {
        if (ended) return
        ended = true
        if (undo) (entry.starts[i] as number)--
        entry.concurrent--
        if (entry.concurrent > 0) return
        running.delete(key)
        idle.set(key, entry)
      }
    },
    size: () => running.size + idle.size,
  }
}

/** JSON keeps ('a', 'b c') and ('a b', 'c') apart, whatever the names contain. */
function keyOf(who: string, may: string): string {
  return JSON.stringify([who, may])
}
