/** What a client knows of who is where, from every relay and mesh it joined: the table behind PresenceService.entries(). Takes only verified records; capped. */
import type { PresenceMesh } from '../../core/presence-mesh.ts'
import type { PresenceEntry } from '../../core/protocol.ts'
import { MeshError } from '../../shared/errors.ts'
import { KEEP_AWAY, MAX_ENTRIES, MAX_KNOWN } from './limits.ts'
import { isNewer, type PresenceRecord } from './record.ts'

interface Known extends Omit<PresenceEntry, 'meshes'> {
  readonly record: PresenceRecord
  readonly mesh: PresenceMesh | undefined
}

/** One roster: of a relay's lobby, or of a private mesh there. */
export interface Hall {
  readonly relay: string
  readonly mesh?: PresenceMesh
}

export interface Directory {
  /** One entry a peer: where it is here, else the newest. Of a private mesh only its members. */
  entries(): readonly PresenceEntry[]
  /** OLD_RECORD when a newer one of this peer is known from this roster; LIMIT_REACHED when full. `ago` = ms since it was last here. */
  put(
    hall: Hall,
    record: PresenceRecord,
    state: { readonly here: boolean; readonly ago: number; readonly name: string; readonly kind: string },
    now: number,
  ): void
  leave(hall: Hall, peer: string, now: number): void
  /** Everyone of this roster that is here but not in `still` is away now. */
  keepOnly(hall: Hall, still: ReadonlySet<string>, now: number): void
  /** I left it: nobody of it counts any more. */
  drop(hall: Hall): void
}

export const keyOf = ({ relay, mesh }: Hall): string => `${relay} ${mesh?.id ?? 'lobby'}`

export function createDirectory(changed: () => void): Directory {
  const halls = new Map<string, Map<string, Known>>()
  const of = (hall: Hall) => {
    let table = halls.get(keyOf(hall))
    if (!table) halls.set(keyOf(hall), (table = new Map()))
    return table
  }
  const makeRoom = (own: Map<string, Known>, now: number) => {
    if (own.size >= MAX_ENTRIES) {
      const away = [...own.values()].filter(({ here }) => !here)
      if (away.length === 0) throw new MeshError('LIMIT_REACHED', `${MAX_ENTRIES} peers of one relay are known already`)
      own.delete(away.reduce((oldest, one) => (one.seen < oldest.seen ? one : oldest)).peer)
    }
    let size = 0
    for (const table of halls.values()) size += table.size
    if (size < MAX_KNOWN) return
    for (const table of halls.values()) for (const [peer, { here, seen }] of table) if (!here && seen + KEEP_AWAY < now) table.delete(peer)
    for (const table of halls.values()) for (const [peer, { here }] of table) if (!here && size-- >= MAX_KNOWN) table.delete(peer)
    if (size >= MAX_KNOWN) throw new MeshError('LIMIT_REACHED', `${MAX_KNOWN} peers are known already`)
  }
  /** Each relay once, however many meshes we meet in there. */
  const placesOf = (peer: string) => {
    const places = new Map<string, { relay: string; rtt?: number }>()
    for (const table of halls.values()) {
      const known = table.get(peer)
      if (!known?.here || !counts(known)) continue
      const { rtt } = known.record
      places.set(known.relay, rtt === undefined ? { relay: known.relay } : { relay: known.relay, rtt })
    }
    return [...places.values()]
  }
  const leave = (hall: Hall, peer: string, now: number) => {
    const known = halls.get(keyOf(hall))?.get(peer)
    if (!known?.here) return
    of(hall).set(peer, { ...known, here: false, seen: now })
    changed()
  }

  return {
    entries() {
      const best = new Map<string, Known>()
      const where = new Map<string, Set<string>>()
      for (const table of halls.values()) {
        for (const known of table.values()) {
          if (!counts(known)) continue
          const meshes = where.get(known.peer)
          if (meshes) meshes.add(known.mesh?.id ?? 'lobby')
          else where.set(known.peer, new Set([known.mesh?.id ?? 'lobby']))
          const other = best.get(known.peer)
          if (!other || isBetter(known, other)) best.set(known.peer, known)
        }
      }
      return [...best.values()].map(({ record: _, mesh: _mesh, ...entry }) => {
        const meshes = [...(where.get(entry.peer) ?? [])]
        return entry.here ? { ...entry, meshes, places: placesOf(entry.peer) } : { ...entry, meshes }
      })
    },
    put(hall, record, { here, ago, name, kind }, now) {
      const table = of(hall)
      const old = table.get(record.iss)
      if (old && isNewer(old.record, record)) throw new MeshError('OLD_RECORD', 'a newer record of this peer is known')
      if (!old) makeRoom(table, now)
      const { iss: peer } = record
      table.set(peer, { peer, name, kind, relay: hall.relay, here, seen: Math.max(0, now - ago), record, mesh: hall.mesh })
      changed()
    },
    leave,
    keepOnly(hall, still, now) {
      for (const peer of halls.get(keyOf(hall))?.keys() ?? []) if (!still.has(peer)) leave(hall, peer, now)
    },
    drop(hall) {
      if (halls.delete(keyOf(hall))) changed()
    },
  }
}

/** Of a private mesh only its members count. */
function counts({ mesh, peer }: Known): boolean {
  return !mesh || mesh.isMember(peer)
}

function isBetter(a: Known, b: Known): boolean {
  if (a.here !== b.here) return a.here
  return isNewer(a.record, b.record) || (!isNewer(b.record, a.record) && a.seen > b.seen)
}
