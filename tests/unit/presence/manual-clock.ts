/** A clock that moves only when told, starting at the real time; timers fire in order while it is advanced. */
import type { Clock } from '../../../src/shared/clock.ts'

export interface ManualClock extends Clock {
  /** Move on by `ms` and run what became due. */
  advance(ms: number): void
  /** How many timers wait. */
  timers(): number
}

export function manualClock(start = Date.now()): ManualClock {
  let now = start
  const waiting = new Set<{ at: number; task: () => void }>()
  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, task) {
      const timer = { at: now + ms, task }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        waiting.delete(next)
        now = Math.max(now, next.at)
        next.task()
      }
      now = end
    },
    timers: () => waiting.size,
  }
}
