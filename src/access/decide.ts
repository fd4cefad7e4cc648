/**
 * The one pure decision: rows in, allow or deny with the reason out (design §8). Deny is the default, a matching deny row beats every allow, and among
 * allowing rows the most specific `who` answers alone: self > peer > own > mesh > owner > member > guest > lobby > anyone, then an exact `to` before '*', then row order.
 */
import type { Decide, Decision, PolicyRow, Usage, Who } from '../core/access.ts'

/** Higher answers first. A row that names a peer can so give less than the lobby's, not only more. */
const RANK = { anyone: 0, lobby: 1, guest: 2, member: 3, owner: 4, mesh: 5, own: 6, peer: 7, self: 8 } as const
/** Doubles the rank to make room for the second criterion. */
const EXACT_TARGET = 1

/** Characters of a name from outside that are repeated in a sentence. */
const MAX_QUOTED = 80

/**
 * A decision function over these rows. '*' in `may` counts in deny rows only: no row can open what does not exist yet. Being 'self' gives nothing by
 * itself: it needs a row with 'self' or 'anyone'. Expired rows count for nothing. The rows are indexed once; changing them later has no effect.
 */
export function decideBy(rows: readonly PolicyRow[]): Decide {
  const allows = new Map<string, PolicyRow[]>()
  const denies: PolicyRow[] = []
  for (const row of structuredClone(rows) as PolicyRow[]) {
    if (row.effect === 'deny') denies.push(row)
    else for (const may of new Set(row.may)) if (may !== '*') allows.set(may, [...(allows.get(may) ?? []), row])
  }
  return (who, may, to, usage, now) => {
    const denial = denies.find((row) => (row.may.includes('*') || row.may.includes(may)) && rankOf(row, who, to, now) !== undefined)
    if (denial) return denied('ACCESS_DENIED', `"${denial.label}" denies ${quote(may)} to this peer.`, denial.id)
    let best: PolicyRow | undefined
    let bestRank = -1
    for (const row of allows.get(may) ?? []) {
      const rank = rankOf(row, who, to, now) ?? -1
      if (rank > bestRank) [best, bestRank] = [row, rank]
    }
    if (!best) return denied('ACCESS_DENIED', `No row allows ${quote(may)} on ${quote(to)} to this peer.`)
    const decision = withinLimits(best, usage)
    return decision.allow && bestRank >= 2 * RANK.guest ? { ...decision, granted: true } : decision
  }
}

/** How specifically a row speaks of this question; undefined when it does not. */
function rankOf(row: PolicyRow, who: Who, to: string, now: number): number | undefined {
  if (row.until !== undefined && !(now < row.until)) return undefined
  const targets = row.to ?? ['*']
  const exact = targets.includes(to)
  if (!exact && !targets.includes('*')) return undefined
  let rank: number | undefined
  for (const entry of row.who) {
    const own = rankOfEntry(entry, who)
    if (own !== undefined && (rank === undefined || own > rank)) rank = own
  }
  return rank === undefined ? undefined : 2 * rank + (exact ? EXACT_TARGET : 0)
}

function rankOfEntry(entry: string, { peer, roles, meshes = [] }: Who): number | undefined {
  if (entry === 'anyone') return RANK.anyone
  if (entry === `peer:${peer}`) return RANK.peer
  if (meshes.some(({ id }) => entry === `mesh:${id}`)) return RANK.mesh
  return (roles as readonly string[]).includes(entry) ? RANK[entry as keyof typeof RANK] : undefined
}

/** Negated comparisons, so that a limit or a count that is not a number denies. */
function withinLimits(row: PolicyRow, usage: Usage): Decision {
  const limits = row.limits ?? {}
  if (limits.rate !== undefined && !(usage.startsLastMinute < limits.rate)) {
    return denied('LIMIT_REACHED', `"${row.label}" allows ${limits.rate} starts a minute, and they are used up.`, row.id)
  }
  if (limits.concurrent !== undefined && !(usage.concurrent < limits.concurrent)) {
    return denied('LIMIT_REACHED', `"${row.label}" allows ${limits.concurrent} at once, and they are in use.`, row.id)
  }
  if (limits.uses !== undefined && !((usage.used ? (usage.used[row.id] ?? 0) : Number.NaN) < limits.uses)) {
    return denied('LIMIT_REACHED', `"${row.label}" allows ${limits.uses} in all, and they are used up.`, row.id)
  }
  return { allow: true, limits: { ...limits }, why: `"${row.label}" allows it.`, row: row.id }
}

function denied(code: 'ACCESS_DENIED' | 'LIMIT_REACHED', why: string, row?: string): Decision {
  return { allow: false, limits: {}, why, code, ...(row === undefined ? {} : { row }) }
}

/** Names from outside are shortened: a sentence is for a person. */
function quote(name: string): string {
  return name.length > MAX_QUOTED ? `${name.slice(0, MAX_QUOTED)}…` : name
}
