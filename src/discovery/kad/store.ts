/** Entries that this relay keeps for others. Takes only verified ones; capped, in all and by address prefix; those that run out first make room. */
import { MeshError } from '../../shared/errors.ts'
import type { Entry } from './entry.ts'
import { MAX_ENTRIES, MAX_ENTRIES_PER_PREFIX, MAX_SKEW } from './limits.ts'

interface Kept {
  readonly value: Uint8Array
  readonly entry: Entry
  readonly prefix: string
}

export interface EntryStore {
  /** OLD_RECORD when a newer one is kept, LIMIT_REACHED when there is no room. */
  put(key: string, value: Uint8Array, entry: Entry, prefix: string, now: number): void
  get(key: string, now: number): Uint8Array | undefined
  size(): number
}

export interface StoreLimits {
  readonly entries: number
  readonly perPrefix: number
}

export function createEntryStore({ entries, perPrefix }: StoreLimits = { entries: MAX_ENTRIES, perPrefix: MAX_ENTRIES_PER_PREFIX }): EntryStore {
  const kept = new Map<string, Kept>()
  const ofPrefix = new Map<string, number>()
  const remove = (key: string) => {
    const old = kept.get(key)
    if (!old) return
    kept.delete(key)
    const left = (ofPrefix.get(old.prefix) ?? 1) - 1
    if (left > 0) ofPrefix.set(old.prefix, left)
    else ofPrefix.delete(old.prefix)
  }
  const isOver = ({ entry }: Kept, now: number) => (entry.exp + MAX_SKEW) * 1000 < now
  const sweep = (now: number) => {
    for (const [key, one] of kept) if (isOver(one, now)) remove(key)
  }
  return {
    put(key, value, entry, prefix, now) {
      const old = kept.get(key)
      if (old && old.entry.iat > entry.iat) throw new MeshError('OLD_RECORD', 'a newer entry is kept')
      const full = () => kept.size >= entries || (ofPrefix.get(prefix) ?? 0) >= perPrefix
      if (!old && full()) sweep(now)
      if (!old && full()) throw new MeshError('LIMIT_REACHED', `no room for more entries`)
      remove(key)
      kept.set(key, { value, entry, prefix })
      ofPrefix.set(prefix, (ofPrefix.get(prefix) ?? 0) + 1)
    },
    get(key, now) {
      const found = kept.get(key)
      if (!found || isOver(found, now)) return undefined
      return found.value
    },
    size: () => kept.size,
  }
}
