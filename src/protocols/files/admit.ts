/** Whether one more offer may wait for its answer. Pure: reads the list of transfers. Keys are free, so no number of them may take the places of people I had files with. */
import type { TransferInfo } from '../../core/mesh.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_ACTIVE, MAX_WAITING, MAX_WAITING_PER_PEER, MAX_WAITING_STRANGERS } from './limits.ts'
import { isActive, type Transfers } from './transfers.ts'

/** LIMIT_REACHED for an offer too many. In a full list whoever has most waiting loses the oldest of them to a peer that has fewer: the id of that offer. */
export function admit(transfers: Pick<Transfers, 'list' | 'full'>, peer: string): string | undefined {
  const all = transfers.list()
  const known = new Set(
    all.filter(({ direction, status }) => direction === 'out' || status === 'done' || status === 'running').map((info) => info.peer),
  )
  const coming = all.filter((info) => info.direction === 'in' && isActive(info))
  const waiting = coming.filter(({ status }) => status === 'offered')
  const mine = waiting.filter((info) => info.peer === peer).length
  const full = new MeshError('LIMIT_REACHED', `${waiting.length} offers wait for an answer`)
  if (mine >= MAX_WAITING_PER_PEER) throw full
  if (coming.length >= MAX_ACTIVE || transfers.full()) throw new MeshError('LIMIT_REACHED', 'no more files can be taken now')
  const strangers = waiting.filter((info) => !known.has(info.peer))
  const crowd = known.has(peer) ? waiting : strangers
  if (crowd.length < (known.has(peer) ? MAX_WAITING : MAX_WAITING_STRANGERS)) return undefined
  const loser = oldestOfMost(crowd, mine + 1)
  if (!loser) throw full
  return loser.id
}

/** Undefined when nobody has more than `enough`. */
function oldestOfMost(crowd: readonly TransferInfo[], enough: number): TransferInfo | undefined {
  const byPeer = Map.groupBy(crowd, ({ peer }) => peer)
  const [most] = [...byPeer.values()].sort((a, b) => b.length - a.length)
  return most && most.length > enough ? most.reduce((oldest, one) => (one.at < oldest.at ? one : oldest)) : undefined
}
