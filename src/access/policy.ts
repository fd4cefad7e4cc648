/** The policy of a person's peer: default rows under rows of its own, kept in the 'policy' collection and shown in Settings. Must never let an unreadable deny row open anything. */
import type { Decide, Policy, PolicyRow } from '../core/access.ts'
import type { RecordStore } from '../core/stores.ts'
import { createSerial } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { decideBy } from './decide.ts'
import { MAX_ROWS, MAX_WAITING_CHANGES } from './limits.ts'
import { createListeners } from './listeners.ts'

export interface PolicyOptions {
  readonly records: RecordStore
  /** Rows that hold until one of the same id is put or removed. */
  readonly defaults: readonly PolicyRow[]
  readonly clock: Clock
  readonly log: Log
}

/** Left in the store when a default row was removed, so that it stays away after a restart. */
interface Removed {
  readonly removed: true
}

/** Read the stored rows. Rejects with the store's code when it cannot be read: without its rows a peer would be more open than its owner said. */
export async function createPolicy({ records, defaults, clock, log }: PolicyOptions): Promise<Policy & Required<Pick<Policy, 'used' | 'spend'>>> {
  const byId = new Map(defaults.map((row) => [row.id, row]))
  const defaultIds = new Set(byId.keys())
  const used: Record<string, number> = Object.create(null)
  for (const [id, value] of await records.list<unknown>('policy', { limit: 3 * MAX_ROWS })) {
    if (id.startsWith(USES)) used[id.slice(USES.length)] = value as number
    else if ((value as Partial<Removed> | undefined)?.removed === true) byId.delete(id)
    else {
      const row = readStored(id, value, log, (await checks()).parseRow)
      if (row) byId.set(id, { ...row, id })
    }
  }
  const listeners = createListeners(log)
  const serial = createSerial(MAX_WAITING_CHANGES)
  let rows: readonly PolicyRow[] = []
  let current: Decide = decideBy(rows)
  const refresh = () => {
    const now = clock.now()
    rows = structuredClone([...byId.values()])
    current = decideBy(rows)
    log('access.rows.changed', { count: rows.length, expired: rows.filter((row) => row.until !== undefined && row.until <= now).length }, 'debug')
  }
  refresh()
  return {
    decide: (who, may, to, usage, now) => current(who, may, to, { used, ...usage }, now),
    rows: () => rows,
    put: async (value) => {
      const row = (await checks()).parseRow(value)
      await serial(async () => {
        if (!byId.has(row.id) && byId.size >= MAX_ROWS)
          throw new MeshError('LIMIT_REACHED', `a policy has at most ${MAX_ROWS} rows; remove one first`)
        await records.put('policy', row.id, row)
        byId.set(row.id, row)
        refresh()
      })
      listeners.tell()
    },
    remove: async (id) => {
      const known = await serial(async () => {
        if (!byId.has(id)) return false
        if (defaultIds.has(id)) await records.put<Removed>('policy', id, { removed: true })
        else await records.delete('policy', id)
        if (used[id] !== undefined) await records.delete('policy', USES + id)
        delete used[id]
        byId.delete(id)
        refresh()
        return true
      })
      if (known) listeners.tell()
    },
    used: () => used,
    spend: (row, most) =>
      serial(async () => {
        const uses = (used[row] ?? 0) + 1
        if (!(uses <= most)) return false
        await records.put('policy', USES + row, uses)
        used[row] = uses
        return true
      }),
    onChange: listeners.add,
  }
}

/** Before the id of a row, the key of its count: no row has such an id. */
const USES = 'uses\n'

/** What checks a row comes with the first one. */
const checks = () => import('./row-schema.ts')

/** A stored row; a broken one is left out, except that what is left of a deny row denies at least as much as before. */
function readStored(id: string, value: unknown, log: Log, parseRow: (value: unknown) => PolicyRow): PolicyRow | undefined {
  try {
    return parseRow(value)
  } catch (error) {
    log('access.row.unreadable', { id, code: codeOf(error) }, 'warn')
    if ((value as { effect?: unknown } | undefined)?.effect !== 'deny') return undefined
    return { id, who: ['anyone'], may: ['*'], effect: 'deny', label: `Unreadable row "${id}": everything is denied until it is removed` }
  }
}
