/** The clock of one peer whose machine can sleep: its wall clock jumps, and every timer is counted, so that a test sees what was left behind. */
import { type Clock, systemClock } from '../../../src/shared/clock.ts'

export interface JumpingClock extends Clock {
  /** The wall clock goes on by `ms` (back when negative) at once, as after a sleep. Timers run on as they were. */
  jump(ms: number): void
  /** Timers that neither fired nor were cancelled. */
  timers(): number
}

export function createJumpingClock(): JumpingClock {
  const real = systemClock()
  const waiting = new Set<object>()
  let ahead = 0
  return {
    now: () => real.now() + ahead,
    monotonic: () => real.monotonic(),
    after(ms, task) {
      const entry = {}
      waiting.add(entry)
      const cancel = real.after(ms, () => {
        waiting.delete(entry)
        task()
      })
      return () => {
        waiting.delete(entry)
        cancel()
      }
    },
    jump(ms) {
      ahead += ms
    },
    timers: () => waiting.size,
  }
}
