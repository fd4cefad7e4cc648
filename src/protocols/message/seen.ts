/** Ids of received messages, a peer at a time, so that one that is sent again arrives once. Plans its writes; they belong into the transaction that stores the message. */
import type { RecordStore, RecordWrite } from '../../core/stores.ts'
import { MAX_SEEN, MAX_SEEN_PEERS } from './limits.ts'
import type { Change } from './lines.ts'

export interface Seen {
  has(peer: string, id: string): Promise<boolean>
  add(peer: string, id: string): Promise<Change>
}

/** Record with the peers whose ids are remembered, the one heard of last at the end. */
const SEEN_PEERS = 'seen'
const idsOf = (peer: string) => `seen ${peer}`

/** `knows`: people I wrote to are forgotten last. */
export async function openSeen(records: RecordStore, knows: (peer: string) => boolean): Promise<Seen> {
  let peers = (await records.get<readonly string[]>('setting', SEEN_PEERS)) ?? []
  const read = async (peer: string) => (await records.get<readonly string[]>('setting', idsOf(peer))) ?? []
  return {
    has: async (peer, id) => (await read(peer)).includes(id),
    async add(peer, id) {
      const ids: RecordWrite = { collection: 'setting', key: idsOf(peer), value: [...(await read(peer)), id].slice(-MAX_SEEN) }
      const isNew = !peers.includes(peer)
      const others = peers.filter((one) => one !== peer)
      const excess = Math.max(0, others.length + 1 - MAX_SEEN_PEERS)
      const oldest = new Set([...others.filter((one) => !knows(one)), ...others.filter(knows)].slice(0, excess))
      const next = [...others.filter((one) => !oldest.has(one)), peer]
      const list: RecordWrite[] = isNew ? [{ collection: 'setting', key: SEEN_PEERS, value: next }] : []
      const forget = [...oldest].map((one): RecordWrite => ({ collection: 'setting', key: idsOf(one), value: undefined }))
      return {
        writes: [ids, ...list, ...forget],
        apply() {
          peers = next
        },
      }
    },
  }
}
