/** What a client knows of who is where, from every relay it joined: the table behind PresenceService.entries(). Takes only verified records; capped. */
import type { PresenceEntry } from '../../core/protocol.ts'
import { MeshError } from '../../shared/errors.ts'
import { KEEP_AWAY, MAX_ENTRIES, MAX_KNOWN } from './limits.ts'
import { isNewer, type PresenceRecord } from './record.ts'

interface Known extends PresenceEntry {
  readonly record: PresenceRecord
}

export interface Directory {
  /** One entry a peer: where it is here, else the newest. */
  entries(): readonly PresenceEntry[]
  /** OLD_RECORD when a newer one of this peer is known from this relay; LIMIT_REACHED when full. `ago` = ms since it was last here. */
  put(relay: string, record: PresenceRecord, state: { readonly here: boolean; readonly ago: number }, now: number): void
  leave(relay: string, peer: string, now: number): void
  /** Everyone of `relay` that is here but not in `still` is away now. */
  keepOnly(relay: string, still: ReadonlySet<string>, now: number): void
}

export function createDirectory(changed: () => void): Directory {
  const relays = new Map<string, Map<string, Known>>()
  const of = (relay: string) => {
    let table = relays.get(relay)
    if (!table) relays.set(relay, (table = new Map()))
    return table
  }
  const makeRoom = (own: Map<string, Known>, now: number) => {
    if (own.size >= MAX_ENTRIES) {
      const away = [...own.values()].filter(({ here }) => !here)
      if (away.length === 0) throw new MeshError('LIMIT_REACHED', `${MAX_ENTRIES} peers of one relay are known already`)
      own.delete(away.reduce((oldest, one) => (one.seen < oldest.seen ? one : oldest)).peer)
    }
    let size = 0
    for (const table of relays.values()) size += table.size
    if (size < MAX_KNOWN) return
    for (const table of relays.values()) for (const [peer, { here, seen }] of table) if (!here && seen + KEEP_AWAY < now) table.delete(peer)
    for (const table of relays.values()) for (const [peer, { here }] of table) if (!here && size-- >= MAX_KNOWN) table.delete(peer)
    if (size >= MAX_KNOWN) throw new MeshError('LIMIT_REACHED', `${MAX_KNOWN} peers are known already`)
  }
  const placesOf = (peer: string) => {
    const here = [...relays].flatMap(([relay, table]) => {
      const known = table.get(peer)
      return known?.here ? [{ relay, rtt: known.record.rtt }] : []
    })
    return here.map(({ relay, rtt }) => (rtt === undefined ? { relay } : { relay, rtt }))
  }
  const leave = (relay: string, peer: string, now: number) => {
    const known = relays.get(relay)?.get(peer)
    if (!known?.here) return
    of(relay).set(peer, { ...known, here: false, seen: now })
    changed()
  }

  return {
    entries() {
      const best = new Map<string, Known>()
      for (const table of relays.values()) {
        for (const known of table.values()) {
          const other = best.get(known.peer)
          if (!other || isBetter(known, other)) best.set(known.peer, known)
        }
      }
      return [...best.values()].map(({ record: _, ...entry }) => (entry.here ? { ...entry, places: placesOf(entry.peer) } : entry))
    },
    put(relay, record, { here, ago }, now) {
      const table = of(relay)
      const old = table.get(record.iss)
      if (old && isNewer(old.record, record)) throw new MeshError('OLD_RECORD', 'a newer record of this peer is known')
      if (!old) makeRoom(table, now)
      const { iss: peer, name, kind } = record
      table.set(peer, { peer, name, kind, relay, here, seen: Math.max(0, now - ago), record })
      changed()
    },
    leave,
    keepOnly(relay, still, now) {
      for (const peer of relays.get(relay)?.keys() ?? []) if (!still.has(peer)) leave(relay, peer, now)
    },
  }
}

function isBetter(a: Known, b: Known): boolean {
  if (a.here !== b.here) return a.here
  return isNewer(a.record, b.record) || (!isNewer(b.record, a.record) && a.seen > b.seen)
}
