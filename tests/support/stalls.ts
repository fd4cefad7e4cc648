/** Time in which this process could not run: other programs may need the machine too, and what a test measures is not theirs. */

export interface Stalls {
  /** ms altogether. */
  ms(): number
  /** ms of the longest one. */
  longest(): number
  end(): void
}

const EVERY = 20
const LATE = 20 // ms that a timer may be late on a quiet machine

export function watchStalls(): Stalls {
  let [last, ms, longest] = [performance.now(), 0, 0]
  const timer = setInterval(() => {
    const now = performance.now()
    const late = Math.max(0, now - last - EVERY - LATE)
    ms += late
    longest = Math.max(longest, late)
    last = now
  }, EVERY)
  return { ms: () => Math.round(ms), longest: () => Math.round(longest), end: () => clearInterval(timer) }
}
