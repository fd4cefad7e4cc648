/** A record store whose writes fail as a seed says: refused with nothing written, or the power goes just before or just after they are on disk. What is on disk stays for the next start. */
import type { RecordStore } from '../../src/core/stores.ts'
import { MeshError } from '../../src/shared/errors.ts'

export interface RecordFaults {
  /** [0, 1), from the seed. */
  readonly random: () => number
  /** Share of writes that are refused with STORAGE_FULL or STORAGE_FAILED. */
  readonly refuse: number
  /** Share of writes at which the power goes, half of them with the write on disk. */
  readonly crash: number
}

export interface FaultyRecords {
  readonly records: RecordStore
  /** From now on nothing is written and no call comes back, as in a process that is no more. */
  kill(): void
}

/** `disk` outlives this; `onCrash` is called when the power goes. `faults()` is asked at each write. */
export function createFaultyRecords(disk: RecordStore, faults: () => RecordFaults | undefined, onCrash: () => void): FaultyRecords {
  let dead = false
  const never = new Promise<never>(() => undefined)
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return never
    const result = await work()
    return dead ? never : result
  }
  const die = () => {
    dead = true
    onCrash()
    return never
  }
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return never
    const now = faults()
    const fate = now?.random() ?? 1
    const refuse = now?.refuse ?? 0
    const crash = now?.crash ?? 0
    if (fate < refuse) throw new MeshError(fate < refuse / 2 ? 'STORAGE_FULL' : 'STORAGE_FAILED', 'the store fails on purpose')
    if (fate < refuse + crash / 2) return die()
    const result = await work()
    if (fate < refuse + crash) return die()
    return dead ? never : result
  }
  return {
    kill: () => void (dead = true),
    records: {
      get: (collection, key) => alive(() => disk.get(collection, key)),
      list: (collection, options) => alive(() => disk.list(collection, options)),
      put: (collection, key, value) => write(() => disk.put(collection, key, value)),
      delete: (collection, key) => write(() => disk.delete(collection, key)),
      update: (collection, key, change) => write(() => disk.update(collection, key, change)),
      batch: (writes) => write(() => disk.batch(writes)),
      close: async () => undefined,
    },
  }
}
