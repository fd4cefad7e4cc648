/** Speed over the last seconds, from progress samples. Must hold a bounded number of them. */
import { PROGRESS_MS, RATE_WINDOW_MS } from './limits.ts'

export interface Rate {
  /** Tell how many bytes are done at `now` (monotonic ms); gives bytes a second over the window. */
  sample(done: number, now: number): number
}

export function createRate(): Rate {
  const samples: { done: number; at: number }[] = []
  return {
    sample(done, now) {
      const last = samples.at(-1)
      // Samples closer than a progress event are merged into the newest, which bounds their number.
      if (samples.length > 1 && last && now - last.at < PROGRESS_MS) last.done = done
      else samples.push({ done, at: now })
      while (samples.length > 2 && now - (samples[0]?.at ?? now) > RATE_WINDOW_MS) samples.shift()
      const first = samples[0]
      const elapsed = first ? now - first.at : 0
      return first && elapsed > 0 ? Math.max(0, Math.round(((done - first.done) * 1000) / elapsed)) : 0
    },
  }
}
