/** Received transfers that a sender may come back to when its path was lost, and for a while the ended ones of which it may not have heard. */
import type { ProtocolHost } from '../../core/protocol.ts'
import { type ErrorCode, toMeshError } from '../../shared/errors.ts'
import { confirmDone, refuseResume } from './farewell.ts'
import { MAX_ENDED, RESUME_MS } from './limits.ts'
import type { Leg, Legs } from './resume.ts'
import type { Offer } from './wire.ts'

/** How a run of a transfer ended; 'held' = it goes on in another run. */
export type Outcome = { readonly sha256: string } | { readonly code: ErrorCode } | 'held'

export interface Comebacks {
  /** Until the function it gives is called, with how this run ended. `keep`: a person had answered, so it is remembered for a while. Gives a leg that came too late for a run that is held. */
  add(peer: string, offer: Offer, legs: Legs): (outcome: Outcome, keep: boolean) => Leg | undefined
  /** What a sender that is back finds: its transfer, or how that ended. */
  find(peer: string, offer: Offer): Legs | Exclude<Outcome, 'held'> | undefined
  /** However many offers a peer has used up its minute with: those that were made it may go on with, each over one stream at a time. */
  mayCome(peer: string): boolean
  /** A stream came by that right; until the returned function is called nobody knows for what. */
  come(peer: string): () => void
}

/** Forgets all when `signal` fires. `held` = transfers of this peer that no run goes on with now. */
export function createComebacks(host: ProtocolHost, signal: AbortSignal, held: (peer: string) => number): Comebacks {
  const known = new Map<string, Legs | Exclude<Outcome, 'held'>>()
  /** Never more than there are transfers. */
  const coming = new Map<string, number>()
  const timers = new Set<() => void>()
  signal.addEventListener('abort', () => {
    for (const cancel of timers) cancel()
    known.clear()
  })
  const keyOf = (peer: string, { id, size }: Offer) => `${peer} ${id} ${size}`
  const remember = (key: string, outcome: Exclude<Outcome, 'held'>) => {
    if (signal.aborted || timers.size >= MAX_ENDED) return
    known.set(key, outcome)
    const cancel = host.clock.after(RESUME_MS, () => {
      timers.delete(cancel)
      if (known.get(key) === outcome) known.delete(key)
    })
    timers.add(cancel)
  }
  return {
    add(peer, offer, legs) {
      const key = keyOf(peer, offer)
      known.set(key, legs)
      return (outcome, keep) => {
        const late = legs.rest()
        // Unless the same offer was made anew.
        const mine = known.get(key) === legs
        if (mine) known.delete(key)
        if (outcome === 'held') return late
        if (late) void answerLate(late, offer, outcome)
        if (mine && keep) remember(key, outcome)
        return undefined
      }
    },
    find: (peer, offer) => known.get(keyOf(peer, offer)),
    mayCome: (peer) => (coming.get(peer) ?? 0) < held(peer) + [...known.keys()].filter((key) => key.startsWith(`${peer} `)).length,
    come(peer) {
      coming.set(peer, (coming.get(peer) ?? 0) + 1)
      return () => {
        const rest = (coming.get(peer) ?? 0) - 1
        if (rest > 0) coming.set(peer, rest)
        else coming.delete(peer)
      }
    },
  }
}

/** It came back while the transfer ended. Never rejects. */
async function answerLate(leg: Leg, { size }: Offer, outcome: Exclude<Outcome, 'held'>): Promise<void> {
  if ('code' in outcome) return refuseResume(leg, outcome.code)
  await confirmDone(leg, size, outcome.sha256).catch((error: unknown) => leg.channel.fail(toMeshError(error)))
}
