/** Received transfers that a sender may come back to when its path was lost, and for a while the finished ones of which it may not have heard. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { toMeshError } from '../../shared/errors.ts'
import { RESUME_MS } from './limits.ts'
import { confirmDone, type Leg, type Legs, refuseResume } from './resume.ts'
import type { Offer } from './wire.ts'

export interface Comebacks {
  /** Until the function it gives is called, with the digest of what arrived whole. */
  add(peer: string, offer: Offer, legs: Legs): (sha256: string | undefined) => void
  /** A sender is back. Owns the leg. */
  goOn(stream: PeerStream, offer: Offer, leg: Leg): Promise<void>
}

/** Forgets all when `signal` fires. */
export function createComebacks(host: ProtocolHost, signal: AbortSignal): Comebacks {
  const known = new Map<string, Legs | string>()
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
      return (sha256) => {
        const late = legs.rest()
        if (late) void answerLate(late, offer, sha256)
        // Unless the same offer was made anew.
        if (known.get(key) !== legs) return
        known.delete(key)
        if (sha256 === undefined || signal.aborted) return
        known.set(key, sha256)
        const cancel = host.clock.after(RESUME_MS, () => {
          timers.delete(cancel)
          if (known.get(key) === sha256) known.delete(key)
        })
        timers.add(cancel)
      }
    },
    async goOn(stream, offer, leg) {
      const found = known.get(keyOf(stream.peer, offer))
      host.log('files.resumed', { peer: stream.peer, known: found !== undefined })
      if (found === undefined) return refuseResume(leg)
      host.keep(stream)
      if (typeof found === 'string') return confirmDone(leg, offer.size, found)
      found.take(leg)
    },
  }
}

/** It came back while the transfer ended. Never rejects. */
async function answerLate(leg: Leg, { size }: Offer, sha256: string | undefined): Promise<void> {
  if (sha256 === undefined) return refuseResume(leg)
  await confirmDone(leg, size, sha256).catch((error: unknown) => leg.channel.fail(toMeshError(error)))
}
