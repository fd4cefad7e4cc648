/** Counts what a connection's streams hold because nobody reads: data channels cannot be told to wait, so whoever goes over is cut. Must never count less than what a chunk really costs. */
import { CHUNK_COST, MAX_UNREAD, MAX_UNREAD_TOTAL } from './limits.ts'

export interface Holder {
  /** Bytes held now, as `costOf` counts. */
  readonly unread: number
}

export interface Unread {
  /** Room for `bytes` more on `holder`? Its share is counted from now on. */
  admit(holder: Holder, bytes: number): boolean
}

/** What a chunk of `bytes` costs: a view, its place in a list and the message around it are more than a byte. */
export const costOf = (bytes: number): number => bytes + CHUNK_COST

/** `holders` = the streams of one connection. */
export function createUnread(holders: () => Iterable<Holder>): Unread {
  let total = 0
  return {
    admit(holder, bytes) {
      const cost = costOf(bytes)
      if (holder.unread + cost > MAX_UNREAD) return false
      total += cost
      if (total <= MAX_UNREAD_TOTAL) return true
      // Readers have taken some since: count anew.
      total = cost
      for (const { unread } of holders()) total += unread
      return total <= MAX_UNREAD_TOTAL
    },
  }
}
