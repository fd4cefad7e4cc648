/** How fast each peer may bring messages, over all its streams: the policy's rate counts streams, and one stream carries any number. Pure bookkeeping, capped. */
import type { Clock } from '../../shared/clock.ts'
import { MAX_PACED, MESSAGE_BURST, MESSAGE_INTERVAL } from './limits.ts'

/** Claims the next place of `peer`; returns the ms until it is due, 0 within the burst. */
export type Pace = (peer: string) => number

export function createPace(clock: Clock): Pace {
  /** When each peer's bucket is full again (generic cell rate algorithm). */
  const full = new Map<string, number>()
  return (peer) => {
    const now = clock.monotonic()
    const next = Math.max(full.get(peer) ?? now, now) + MESSAGE_INTERVAL
    full.delete(peer)
    full.set(peer, next)
    if (full.size > MAX_PACED) full.delete(full.keys().next().value as string)
    return Math.max(0, next - now - MESSAGE_BURST * MESSAGE_INTERVAL)
  }
}
