/** What rows cannot mean together: a grant that a deny row makes void, and rows that shut out the owner. Pure; asked before rows apply. */
import type { Decide, PolicyRow } from '../core/access.ts'

/** What the owner of a relay must be able to do whatever the file says: without it, they reach neither the relay nor others through it. */
const OWNER_NEEDS = ['link.identify', 'link.hop', 'presence.join', 'relay.reserve', 'relay.hop'] as const

/** True when every question that `entry` may ask of `row` about `may` is denied by `deny`. */
function covers(deny: PolicyRow, row: PolicyRow, entry: string, may: string): boolean {
  if (!deny.may.includes('*') && !deny.may.includes(may)) return false
  if (!deny.who.includes('anyone') && !deny.who.includes(entry)) return false
  const targets = deny.to ?? ['*']
  return targets.includes('*') || (row.to ?? ['*']).every((to) => targets.includes(to))
}

/** The first deny row that leaves a part of this allow row without any meaning, and the sentence. A deny for fewer people, or on fewer targets, is an exception and fine. */
export function contradictionOf(row: PolicyRow, others: readonly PolicyRow[], now: number): string | undefined {
  if (row.effect === 'deny') return undefined
  for (const deny of others) {
    if (deny.effect !== 'deny' || (deny.until !== undefined && (deny.until <= now || (row.until ?? Number.POSITIVE_INFINITY) > deny.until))) continue
    for (const entry of row.who) {
      const may = row.may.find((one) => covers(deny, row, entry, one))
      if (may !== undefined) return `"${row.label}" allows ${may} to ${entry}, and "${deny.label}" denies it: a row that denies beats every other`
    }
  }
  return undefined
}

/** The first contradiction among these rows. */
export function contradictionIn(rows: readonly PolicyRow[], now: number): { readonly id: string; readonly why: string } | undefined {
  for (const row of rows) {
    const why = contradictionOf(row, rows, now)
    if (why !== undefined) return { id: row.id, why }
  }
  return undefined
}

/** Why this owner (a PeerID) could not use their own relay; undefined when they can. */
export function lockedOut(decide: Decide, owner: string, now: number): string | undefined {
  for (const may of OWNER_NEEDS) {
    const { allow, why } = decide({ peer: owner, roles: ['own', 'lobby'] }, may, '*', { startsLastMinute: 0, concurrent: 0, used: {} }, now)
    if (!allow) return `these rows lock the owner ${owner} out of ${may}: ${why}`
  }
  return undefined
}
