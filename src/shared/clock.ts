/** Time as an argument: every timer and timestamp goes through a Clock so that tests own it. Must never be read at import time. */

export interface Clock {
  /** Wall clock, ms since 1970. May jump. */
  now(): number
  /** Never jumps back, ms since an arbitrary start. */
  monotonic(): number
  /** Run `task` once after `ms`; the returned function cancels. */
  after(ms: number, task: () => void): () => void
}

/** The time of this machine. Its timers keep a Node.js process alive until they fire or are cancelled; above 2^31-1 ms they fire at once. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, task) => {
      const timer = setTimeout(task, ms)
      return () => clearTimeout(timer)
    },
  }
}
