/** One walk through the DHT, in rounds: asks those closest to the key that it knows of, and learns of closer ones by the answers. Bounded in questions and time, whatever the answers say. */
import { withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Ask } from './ask.ts'
import { compareDistance, placeOfPeer } from './distance.ts'
import { ALPHA, CLOSER, LOOKUP_TIMEOUT, MAX_ADDRESSES, MAX_ASKED } from './limits.ts'
import type { KadMessage, KadPeer } from './wire.ts'

export interface Walk<T> {
  readonly me: string
  readonly question: KadMessage
  /** Where the key is. */
  readonly place: Uint8Array
  /** Asked first, all of them, however far they are. */
  readonly first: readonly KadPeer[]
  readonly near: readonly KadPeer[]
  /** What an answer is worth; undefined or a throw = nothing. */
  take(answer: KadMessage): Promise<T | undefined>
  readonly ask: Ask
  readonly clock: Clock
  readonly log: Log
  readonly heard?: { answered(peer: string): void; failed(peer: string): void }
}

export interface Walked<T> {
  /** Of the round in which the first came. */
  readonly found: readonly T[]
  /** Those that answered, closest first. */
  readonly closest: readonly KadPeer[]
}

interface Candidate {
  readonly place: Uint8Array
  addresses: readonly string[]
  asked: boolean
  answered: boolean
}

/** Ends with the first round that finds something, else when the closest have answered. */
export async function walk<T>(parts: Walk<T>, signal: AbortSignal): Promise<Walked<T>> {
  const candidates = new Map<string, Candidate>()
  const found: T[] = []
  const learn = async ({ id, addresses }: KadPeer) => {
    if (id === parts.me) return
    const place = await placeOfPeer(id)
    const old = candidates.get(id)
    // What one says of another may be wrong: all that is said of it counts.
    if (old) old.addresses = [...new Set([...old.addresses, ...addresses])].slice(0, MAX_ADDRESSES)
    else if (candidates.size < MAX_ASKED * CLOSER) candidates.set(id, { place, addresses, asked: false, answered: false })
  }
  const sorted = () => [...candidates].sort(([, a], [, b]) => compareDistance(parts.place, a.place, b.place))
  const visit = async (id: string, own: AbortSignal) => {
    const candidate = candidates.get(id) as Candidate
    candidate.asked = true
    try {
      const [answer] = await parts.ask({ id, addresses: candidate.addresses }, [parts.question], own)
      if (!answer) return
      candidate.answered = true
      parts.heard?.answered(id)
      for (const peer of answer.closer) await learn(peer).catch(() => undefined)
      const worth = await parts.take(answer)
      if (worth !== undefined) found.push(worth)
    } catch (error) {
      if (own.aborted) return
      if (!candidate.answered) parts.heard?.failed(id)
      parts.log('kad.ask.failed', { peer: id, code: codeOf(error) }, 'debug')
    }
  }
  const rounds = async (own: AbortSignal) => {
    let next = parts.first.map(({ id }) => id).filter((id) => candidates.has(id))
    for (let asked = 0; asked < MAX_ASKED && !own.aborted; ) {
      if (next.length === 0) {
        const close = sorted().filter(([, one]) => one.answered || !one.asked)
        next = close.slice(0, CLOSER).flatMap(([id, one]) => (one.asked ? [] : [id]))
      }
      if (next.length === 0 || found.length > 0) return
      const batch = next.slice(0, Math.min(ALPHA, MAX_ASKED - asked))
      next = next.slice(batch.length).filter((id) => parts.first.some((one) => one.id === id))
      asked += batch.length
      await Promise.all(batch.map((id) => visit(id, own)))
    }
  }
  for (const peer of [...parts.first, ...parts.near]) await learn(peer)
  await withDeadline(parts.clock, LOOKUP_TIMEOUT, 'the lookup', signal, rounds).catch((error: unknown) => {
    if (codeOf(error) !== 'TIMEOUT' || signal.aborted) throw error
  })
  return { found, closest: sorted().flatMap(([id, { answered, addresses }]) => (answered ? [{ id, addresses }] : [])) }
}
