/** My name and the names I give to others, kept in the record store. A petname beats what a peer calls itself. */
import type { RecordStore } from '../core/stores.ts'
import { MeshError } from '../shared/errors.ts'
import { MAX_NAME } from './limits.ts'

export interface Names {
  mine(): string
  petname(peer: string): string | undefined
  /** BAD_ARGUMENT when empty or too long. With `peer` undefined: my own name. */
  rename(name: string, peer?: string): Promise<void>
}

const MINE = 'name'
const MAX_PETNAMES = 1000 // records read at start

export async function createNames(records: RecordStore, fallback: string): Promise<Names> {
  let mine = (await records.get<string>('setting', MINE)) ?? fallback
  const rows = await records.list<{ petname?: string }>('peer', { limit: MAX_PETNAMES })
  const petnames = new Map(rows.flatMap(([peer, { petname }]) => (petname ? [[peer, petname] as const] : [])))
  return {
    mine: () => mine,
    petname: (peer) => petnames.get(peer),
    async rename(name, peer) {
      const clean = name.trim()
      if (clean.length > MAX_NAME || (!clean && !peer)) throw new MeshError('BAD_ARGUMENT', `a name has 1 to ${MAX_NAME} characters`)
      if (!peer) {
        mine = clean
        await records.put('setting', MINE, clean)
        return
      }
      if (clean) petnames.set(peer, clean)
      else petnames.delete(peer)
      await records.update<{ petname?: string }>('peer', peer, (old) => ({ ...old, petname: clean || undefined }))
    },
  }
}
