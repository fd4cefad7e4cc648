/** Received transfers that a sender may come back to when its path was lost, and for a while the ended ones of which it may not have heard. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { type ErrorCode, toMeshError } from '../../shared/errors.ts'
import { MAX_ENDED, RESUME_MS } from './limits.ts'
import { confirmDone, type Leg, type Legs, refuseResume } from './resume.ts'
import type { Offer } from './wire.ts'

/** How a transfer ended. */
export type Outcome = { readonly sha256: string } | { readonly code: ErrorCode }

export interface Comebacks {
  /** Until the function it gives is called, with how it ended. `keep`: a person had answered, so it is remembered for a while. */
  add(peer: string, offer: Offer, legs: Legs): (outcome: Outcome, keep: boolean) => void
  /** However many offers a peer has used up its minute with: those that were made it may go on with, each over one stream at a time. */
  mayCome(peer: string): boolean
  /** A stream came by that right; until the returned function is called nobody knows for what. */
  come(peer: string): () => void
  /** A sender is back. Owns the leg. */
  goOn(stream: PeerStream, offer: Offer, leg: Leg, uncount?: () => void): Promise<void>
}

/** Forgets all when `signal` fires. */
export function createComebacks(host: ProtocolHost, signal: AbortSignal): Comebacks {
  const known = new Map<string, Legs | Outcome>()
  /** Never more than there are transfers. */
  const coming = new Map<string, number>()
  const timers = new Set<() => void>()
  signal.addEventListener('abort', () => {
    for (const cancel of timers) cancel()
    known.clear()
  })
  const keyOf = (peer: string, { id, size }: Offer) => `${peer} ${id} ${size}`
  return {
    add(peer, offer, legs) {
      const key = keyOf(peer, offer)
      known.set(key, legs)
      return (outcome, keep) => {
        const late = legs.rest()
        if (late) void answerLate(late, offer, outcome)
        // Unless the same offer was made anew.
        if (known.get(key) !== legs) return
        known.delete(key)
        if (!keep || signal.aborted || timers.size >= MAX_ENDED) return
        known.set(key, outcome)
        const cancel = host.clock.after(RESUME_MS, () => {
          timers.delete(cancel)
          if (known.get(key) === outcome) known.delete(key)
        })
        timers.add(cancel)
      }
    },
    mayCome: (peer) => (coming.get(peer) ?? 0) < [...known.keys()].filter((key) => key.startsWith(`${peer} `)).length,
    come(peer) {
      coming.set(peer, (coming.get(peer) ?? 0) + 1)
      return () => {
        const rest = (coming.get(peer) ?? 0) - 1
        if (rest > 0) coming.set(peer, rest)
        else coming.delete(peer)
      }
    },
    async goOn(stream, offer, leg, uncount) {
      const found = known.get(keyOf(stream.peer, offer))
      // The offer was counted when it was made. One of what is not known here counts as a new one.
      if (found !== undefined) uncount?.()
      host.log('files.resumed', { peer: stream.peer, known: found !== undefined })
      if (found === undefined) return refuseResume(leg)
      if ('code' in found) return refuseResume(leg, found.code)
      host.keep(stream)
      if ('sha256' in found) return confirmDone(leg, offer.size, found.sha256)
      found.take(leg)
    },
  }
}

/** It came back while the transfer ended. Never rejects. */
async function answerLate(leg: Leg, { size }: Offer, outcome: Outcome): Promise<void> {
  if ('code' in outcome) return refuseResume(leg, outcome.code)
  await confirmDone(leg, size, outcome.sha256).catch((error: unknown) => leg.channel.fail(toMeshError(error)))
}
