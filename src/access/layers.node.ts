/** A relay's policy from two layers: its access.json, and grants made while it runs, kept in its store. One decision over both. Must never let a row of the store replace one of the file, or shut the owner out. */
import type { Decide, Policy, PolicyRow } from '../core/access.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import type { AccessFile } from './access-file.node.ts'
import { lockedOut } from './contradict.ts'
import { decideBy } from './decide.ts'

/** What a relay is asked by. */
export type RelayPolicy = AccessFile & Required<Pick<Policy, 'used' | 'spend'>>

/** The rows of the file come first. Closing it closes the file; the store is the caller's. */
export function layerPolicies(file: AccessFile, stored: Policy & Required<Pick<Policy, 'used' | 'spend'>>, clock: Clock): RelayPolicy {
  let rows: readonly PolicyRow[] = []
  let current: Decide = decideBy(rows)
  const renew = () => {
    rows = [...file.rows(), ...stored.rows()]
    current = decideBy(rows)
  }
  renew()
  // Both tell in the order of adding: whoever listens later hears when the new rows hold.
  file.onChange(renew)
  stored.onChange(renew)
  const inFile = (id: string) => file.rows().some((row) => row.id === id)
  return {
    decide: (who, may, to, usage, now) => current(who, may, to, { used: stored.used(), ...usage }, now),
    rows: () => rows,
    async put(row) {
      if (inFile(row.id)) throw new MeshError('NOT_SUPPORTED', `the row "${row.id}" stands in access.json; edit the file, it is read again at once`)
      if (row.effect === 'deny') {
        const next = decideBy([...rows.filter(({ id }) => id !== row.id), row])
        for (const owner of file.owners()) {
          const why = lockedOut(next, owner, clock.now())
          if (why) throw new MeshError('ACCESS_LOCKOUT', why)
        }
      }
      await stored.put(row)
      renew()
    },
    async remove(id) {
      if (inFile(id)) throw new MeshError('NOT_SUPPORTED', `the row "${id}" stands in access.json; edit the file, it is read again at once`)
      await stored.remove(id)
      renew()
    },
    used: stored.used,
    spend: stored.spend,
    onChange(listen, options) {
      file.onChange(listen, options)
      stored.onChange(listen, options)
    },
    owners: file.owners,
    problem: file.problem,
    reload: file.reload,
    close: file.close,
  }
}
