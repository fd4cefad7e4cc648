/** Who may start something now: token buckets per IP prefix and in total, plus how many run at once. Pure but for the clock it is given. Must never keep more prefixes than its cap. */
import type { Clock } from './clock.ts'

export interface RateLimits {
  /** Starts a minute from one prefix; a full minute's worth may come at once. */
  readonly startsPerPrefix: number
  /** Starts a minute in all. */
  readonly starts: number
  /** At once from one prefix. Default unlimited. */
  readonly activePerPrefix?: number
  /** At once in all. Default unlimited. */
  readonly active?: number
}

export interface RateLimiter {
  /** Undefined when a limit is reached, else a function that ends this start (idempotent). */
  start(prefix: string): (() => void) | undefined
  active(): number
}

interface Bucket {
  tokens: number
  at: number
  active: number
}

/** Prefixes kept; full buckets are forgotten first, so forgetting one gives nobody anything. */
const MAX_PREFIXES = 4096
const MINUTE = 60_000

export function createRateLimiter(clock: Clock, limits: RateLimits): RateLimiter {
  const buckets = new Map<string, Bucket>()
  const total: Bucket = { tokens: limits.starts, at: clock.monotonic(), active: 0 }

  const refill = (bucket: Bucket, perMinute: number) => {
    const now = clock.monotonic()
    bucket.tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / MINUTE)
    bucket.at = now
  }
  const forgetFull = () => {
    for (const [prefix, bucket] of buckets) {
      refill(bucket, limits.startsPerPrefix)
      if (bucket.active === 0 && bucket.tokens >= limits.startsPerPrefix) buckets.delete(prefix)
    }
  }
  const bucketOf = (prefix: string) => {
    const known = buckets.get(prefix)
    if (known) return known
    if (buckets.size >= MAX_PREFIXES) forgetFull()
    if (buckets.size >= MAX_PREFIXES) return undefined
    const made: Bucket = { tokens: limits.startsPerPrefix, at: clock.monotonic(), active: 0 }
    buckets.set(prefix, made)
    return made
  }

  return {
    active: () => total.active,
    start(prefix) {
      refill(total, limits.starts)
      if (total.tokens < 1 || total.active >= (limits.active ?? Number.POSITIVE_INFINITY)) return undefined
      const own = bucketOf(prefix)
      if (!own) return undefined
      refill(own, limits.startsPerPrefix)
      if (own.tokens < 1 || own.active >= (limits.activePerPrefix ?? Number.POSITIVE_INFINITY)) return undefined
      for (const bucket of [own, total]) {
        bucket.tokens--
        bucket.active++
      }
      let ended = false
      return () => {
        if (ended) return
        ended = true
        own.active--
        total.active--
      }
    },
  }
}
