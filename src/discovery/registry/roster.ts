/**
 * Who is in one mesh of a relay, here or away: the table behind the presence server. Pure bookkeeping, capped in all and per address prefix. Those away make
 * room first, then the newest of the largest prefix: whoever comes from a prefix with few entries must always find room.
 */
import { MeshError } from '../../shared/errors.ts'
import { KEEP_AWAY, MAX_ENTRIES, MAX_ENTRIES_PER_PREFIX } from './limits.ts'
import { isNewer, type PresenceRecord } from './record.ts'

export interface RosterEntry {
  readonly record: PresenceRecord
  readonly jws: string
  readonly here: boolean
  /** ms since 1970 when it was last here. */
  readonly seen: number
  /** Address prefix of its newest stream. */
  readonly prefix: string
}

export interface RosterLimits {
  readonly entries: number
  readonly entriesPerPrefix: number
}

export const ROSTER_LIMITS: RosterLimits = { entries: MAX_ENTRIES, entriesPerPrefix: MAX_ENTRIES_PER_PREFIX }

export interface Roster {
  readonly size: number
  get(peer: string): RosterEntry | undefined
  all(): Iterable<RosterEntry>
  /** Take a verified record that came from `prefix`. OLD_RECORD for one that is not newer, OLD_INSTANCE for one of an older start, RELAY_FULL. Returns who was here and had to make room. */
  put(record: PresenceRecord, jws: string, now: number, prefix: string): string | undefined
  /** It left: kept as away. False when it was not here, or another instance is. */
  leave(peer: string, instance: string, now: number): boolean
  forget(peer: string): void
  /** Peers whose records ran out, away now; forgets those away for long. */
  sweep(now: number): readonly string[]
}

export function createRoster(limits = ROSTER_LIMITS): Roster {
  const entries = new Map<string, RosterEntry>()
  const drop = ({ record, here }: RosterEntry): string | undefined => {
    entries.delete(record.iss)
    return here ? record.iss : undefined
  }
  const makeRoom = (prefix: string, peer: string): string | undefined => {
    const others = [...entries.values()].filter(({ record }) => record.iss !== peer)
    const near = others.filter((entry) => entry.prefix === prefix)
    if (near.length >= limits.entriesPerPrefix) {
      const own = oldestAway(near)
      if (!own) throw new MeshError('RELAY_FULL', `${limits.entriesPerPrefix} peers of this network are here already`)
      return drop(own)
    }
    if (others.length < limits.entries) return undefined
    const away = oldestAway(largest(others.filter(({ here }) => !here)))
    if (away) return drop(away)
    const crowd = largest(others)
    const newest = crowd.at(-1)
    // After it both prefixes have as many, so that whoever has to go cannot push out the next one.
    if (!newest || crowd.length <= near.length + 1) throw new MeshError('RELAY_FULL', `${limits.entries} peers are here already`)
    return drop(newest)
  }

  return {
    get size() {
      return entries.size
    },
    get: (peer) => entries.get(peer),
    all: () => entries.values(),
    put(record, jws, now, prefix) {
      const old = entries.get(record.iss)
      if (old) judge(record, old)
      const dropped = old?.prefix === prefix ? undefined : makeRoom(prefix, record.iss)
      entries.set(record.iss, { record, jws, here: true, seen: now, prefix })
      return dropped
    },
    leave(peer, instance, now) {
      const entry = entries.get(peer)
      if (!entry?.here || entry.record.instance !== instance) return false
      entries.set(peer, { ...entry, here: false, seen: now })
      return true
    },
    forget: (peer) => void entries.delete(peer),
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

/** The entries of the prefix that has most, in the order they came. */
function largest(all: readonly RosterEntry[]): readonly RosterEntry[] {
  const groups = new Map<string, RosterEntry[]>()
  for (const entry of all) {
    const group = groups.get(entry.prefix)
    if (group) group.push(entry)
    else groups.set(entry.prefix, [entry])
  }
  let most: readonly RosterEntry[] = []
  for (const group of groups.values()) if (group.length > most.length) most = group
  return most
}

function oldestAway(entries: readonly RosterEntry[]): RosterEntry | undefined {
  let oldest: RosterEntry | undefined
  for (const entry of entries) if (!entry.here && (!oldest || entry.seen < oldest.seen)) oldest = entry
  return oldest
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
