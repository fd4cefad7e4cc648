/** Who started how much lately and what runs now, by peer and by IP prefix: the numbers behind quotas. Pure bookkeeping; every map is capped. */
import type { Clock } from '../../shared/clock.ts'
import { MAX_TRACKED } from './limits.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const MAX_STARTS = 4096 // timestamps kept for one key; above every rate that can be set usefully

export interface Ledger {
  /** Count one start of `key` now; returns how many there were in the last minute before it. */
  start(key: string): number
  /** Starts of `key` in the last minute. */
  starts(key: string): number
  /** One more of `key` runs; the returned function ends it. */
  enter(key: string): () => void
  running(key: string): number
  /** Keys whose starts are remembered now. */
  remembered(): number
  /** Add bytes to today's (UTC) sum of `key`; returns the sum. */
  spend(key: string, bytes: number): number
}

export function createLedger(clock: Clock): Ledger {
  const times = new Map<string, number[]>()
  const live = new Map<string, number>()
  let spent = new Map<string, number>()
  let day = 0

  const recent = (key: string): number[] => {
    const since = clock.monotonic() - MINUTE
    const list = (times.get(key) ?? []).filter((time) => time > since)
    if (list.length === 0) times.delete(key)
    return list
  }
  /** In the order of their last start: those of more than a minute ago count no more. */
  const forgetPassed = () => {
    const since = clock.monotonic() - MINUTE
    for (const [key, list] of times) {
      if ((list.at(-1) ?? 0) > since) return
      times.delete(key)
    }
  }
  const leave = (key: string) => {
    const rest = (live.get(key) ?? 1) - 1
    if (rest > 0) live.set(key, rest)
    else live.delete(key)
  }

  return {
    start(key) {
      const list = recent(key)
      const before = list.length
      if (before < MAX_STARTS) list.push(clock.monotonic())
      times.delete(key)
      times.set(key, list)
      forgetOldest(times)
      forgetPassed()
      return before
    },
    starts: (key) => recent(key).length,
    enter(key) {
      live.set(key, (live.get(key) ?? 0) + 1)
      let left = false
      return () => {
        if (!left) leave(key)
        left = true
      }
    },
    running: (key) => live.get(key) ?? 0,
    remembered: () => times.size,
    spend(key, bytes) {
      const today = Math.floor(clock.now() / DAY)
      if (today !== day) spent = new Map()
      day = today
      const sum = (spent.get(key) ?? 0) + bytes
      spent.set(key, sum)
      forgetOldest(spent)
      return sum
    },
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_TRACKED) return
    map.delete(key)
  }
}
