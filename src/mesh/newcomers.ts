/** At a join the first stream of a peer and the word that it is here race each other: whoever is unknown gets a moment to be named before a no is said. Bounded; must never let anybody in by itself. */
import type { Clock } from '../shared/clock.ts'
import { MAX_NEWCOMERS, NEWCOMER_WAIT } from './limits.ts'

export interface Newcomers {
  /** Resolves when the peer is known, or after NEWCOMER_WAIT. Undefined when it is known already or too many wait: then nobody waits. */
  named(peer: string): Promise<void> | undefined
  /** Somebody came or went. */
  told(): void
}

export function createNewcomers(known: (peer: string) => boolean, clock: Clock): Newcomers {
  const waiting = new Map<string, { readonly promise: Promise<void>; end(): void }>()
  return {
    named(peer) {
      if (known(peer)) return undefined
      const other = waiting.get(peer)
      if (other) return other.promise
      if (waiting.size >= MAX_NEWCOMERS) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      const end = () => {
        cancel()
        waiting.delete(peer)
        resolve()
      }
      const cancel = clock.after(NEWCOMER_WAIT, end)
      waiting.set(peer, { promise, end })
      return promise
    },
    told() {
      for (const [peer, { end }] of waiting) if (known(peer)) end()
    },
  }
}
