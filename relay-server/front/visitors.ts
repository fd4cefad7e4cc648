/** Networks that asked the front something lately. TCP proves that an address can be answered at, which one UDP packet does not. Bounded; the one seen longest ago is forgotten. */
import type { Clock } from '../../src/shared/clock.ts'
import { prefixOf } from '../../src/shared/ip-prefix.ts'
import { MAX_VISITORS, VISIT_LASTS } from './limits.ts'

export interface Visitors {
  note(address: string): void
  has(address: string): boolean
}

export function createVisitors(clock: Clock): Visitors {
  const seen = new Map<string, number>()
  return {
    note(address) {
      const prefix = prefixOf(address)
      seen.delete(prefix)
      seen.set(prefix, clock.monotonic())
      if (seen.size > MAX_VISITORS) seen.delete(seen.keys().next().value as string)
    },
    has: (address) => clock.monotonic() - (seen.get(prefixOf(address)) ?? Number.NEGATIVE_INFINITY) < VISIT_LASTS,
  }
}
