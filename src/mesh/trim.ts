/** Which connections to close when there are too many: a pure choice (after libp2p's connection manager: low and high water, grace, protection). */
import { FRESH, HIGH_WATER, LOW_WATER } from './limits.ts'

export interface Trimmable {
  readonly id: string
  /** Never trimmed: relays that hold us, peers with live streams of ours. */
  readonly protected: boolean
  /** ms since 1970. */
  readonly since: number
  /** ms since 1970 of the last stream opened or closed. */
  readonly used: number
}

/** Ids to close, least recently used first; empty at or below the high-water mark. Fresh and protected ones stay even if that leaves more than the low-water mark. */
export function chooseTrim(all: readonly Trimmable[], now: number, high = HIGH_WATER, low = LOW_WATER): readonly string[] {
  if (all.length <= high) return []
  return all
    .filter((one) => !one.protected && now - one.since >= FRESH)
    .sort((a, b) => a.used - b.used)
    .slice(0, all.length - low)
    .map(({ id }) => id)
}
