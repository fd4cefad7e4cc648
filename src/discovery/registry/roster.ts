/** Who is in one mesh of a relay, here or away: the table behind the presence server. Pure bookkeeping, capped; those away make room first. */
import { MeshError } from '../../shared/errors.ts'
import { KEEP_AWAY, MAX_ENTRIES } from './limits.ts'
import { isNewer, type PresenceRecord } from './record.ts'

export interface RosterEntry {
  readonly record: PresenceRecord
  readonly jws: string
  readonly here: boolean
  /** ms since 1970 when it was last here. */
  readonly seen: number
}

export interface Roster {
  readonly size: number
  get(peer: string): RosterEntry | undefined
  all(): Iterable<RosterEntry>
  /** Take a verified record. OLD_RECORD for one that is not newer, OLD_INSTANCE for one of an older start, RELAY_FULL. `took` = the instance that it replaces. */
  put(record: PresenceRecord, jws: string, now: number): { readonly took?: string }
  /** It left: kept as away. False when it was not here, or another instance is. */
  leave(peer: string, instance: string, now: number): boolean
  /** Peers whose records ran out, away now; forgets those away for long. */
  sweep(now: number): readonly string[]
}

export function createRoster(): Roster {
  const entries = new Map<string, RosterEntry>()
  const makeRoom = () => {
    if (entries.size < MAX_ENTRIES) return
    let oldest: RosterEntry | undefined
    for (const entry of entries.values()) if (!entry.here && (!oldest || entry.seen < oldest.seen)) oldest = entry
    if (!oldest) throw new MeshError('RELAY_FULL', `${MAX_ENTRIES} peers are here already`)
    entries.delete(oldest.record.iss)
  }

  return {
    get size() {
      return entries.size
    },
    get: (peer) => entries.get(peer),
    all: () => entries.values(),
    put(record, jws, now) {
      const old = entries.get(record.iss)
      if (old) judge(record, old)
      else makeRoom()
      entries.set(record.iss, { record, jws, here: true, seen: now })
      return old?.here && old.record.instance !== record.instance ? { took: old.record.instance } : {}
    },
    leave(peer, instance, now) {
      const entry = entries.get(peer)
      if (!entry?.here || entry.record.instance !== instance) return false
      entries.set(peer, { ...entry, here: false, seen: now })
      return true
    },
    sweep(now) {
      const gone: string[] = []
      for (const [peer, entry] of entries) {
        if (!entry.here && entry.seen + KEEP_AWAY < now) entries.delete(peer)
        else if (entry.here && entry.seen + lifetime(entry) < now) {
          entries.set(peer, { ...entry, here: false })
          gone.push(peer)
        }
      }
      return gone
    },
  }
}

/** By our own clock: counted from when the record came, so that a wrong clock of the peer costs nothing. */
function lifetime({ record }: RosterEntry): number {
  return (record.exp - record.iat) * 1000
}

function judge(record: PresenceRecord, { record: old, here }: RosterEntry): void {
  if (record.instance !== old.instance) {
    if (record.start < old.start || (record.start === old.start && here)) throw new MeshError('OLD_INSTANCE', 'a newer start of this peer is known')
    return
  }
  // A second path of one instance says the same record again.
  const same = record.start === old.start && record.seq === old.seq
  if (!same && !isNewer(record, old)) throw new MeshError('OLD_RECORD', 'a newer record of this peer is known')
}
