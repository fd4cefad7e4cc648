/** mesh.grant, mesh.revoke and the questions of mesh.explain: a grant becomes a row with an id of its own. Loaded at the first call. Must never make a row that a deny row leaves without meaning. */

import * as v from 'valibot'
import type { Decision, Grant, Policy, PolicyRow, Who } from '../core/access.ts'
import { MeshError } from '../shared/errors.ts'
import { checkCapabilities, PROTOCOL_PREFIX } from './capabilities.ts'
import { contradictionOf } from './contradict.ts'
import { MAX_ENTRY_CHARS } from './limits.ts'
import { parseRow, whoSchema } from './row-schema.ts'

/** Ids of grants start so; other rows are defaults, or put by hand. */
export const GRANT_PREFIX = 'grant:'

/** Kept when it resolves; the id is for revoke. BAD_ARGUMENT, UNKNOWN_CAPABILITY, GRANT_CONTRADICTS, LIMIT_REACHED. */
export async function addGrant(policy: Pick<Policy, 'rows' | 'put'>, grant: Grant, now: number): Promise<string> {
  const id = `${GRANT_PREFIX}${crypto.randomUUID()}`
  const row = rowOf(id, grant)
  if (row.until !== undefined && row.until <= now) throw new MeshError('BAD_ARGUMENT', 'this grant would be over already: until is in the past')
  const clash = contradictionOf(row, policy.rows(), now)
  if (clash !== undefined) throw new MeshError('GRANT_CONTRADICTS', clash)
  await policy.put(row)
  return id
}

function rowOf(id: string, grant: Grant): PolicyRow {
  const { label, ...terms } = (typeof grant === 'object' ? grant : undefined) ?? ({} as Partial<Grant>)
  const may = Array.isArray(terms.may) ? terms.may : []
  if ('id' in terms || 'effect' in terms) throw new MeshError('BAD_ARGUMENT', 'a grant allows, and gets its id by itself: leave out id and effect')
  const open = may.filter((one) => typeof one === 'string' && one.startsWith(PROTOCOL_PREFIX))
  if (open.length > 0 && (open.length < may.length || terms.to !== undefined)) {
    throw new MeshError('BAD_ARGUMENT', `${PROTOCOL_PREFIX}<id> names its target itself: give it without other capabilities and without to`)
  }
  const opened = open.length > 0 ? { may: ['stream.open'], to: open.map((one: string) => one.slice(PROTOCOL_PREFIX.length)) } : {}
  const fallback = `${[terms.who].flat().join(', ')}: ${may.join(', ')}`.slice(0, MAX_ENTRY_CHARS)
  return parseRow({ ...terms, ...opened, id, label: label ?? fallback })
}

/** BAD_ARGUMENT for an id of no grant. What lives by it alone is cut at once. */
export async function removeGrant(policy: Pick<Policy, 'rows' | 'remove'>, id: string): Promise<void> {
  if (!String(id).startsWith(GRANT_PREFIX) || !policy.rows().some((row) => row.id === id)) {
    throw new MeshError('BAD_ARGUMENT', `there is no grant "${String(id).slice(0, 80)}"`)
  }
  await policy.remove(id)
}

export interface Asked {
  readonly who: (peer: string) => Who
  readonly decide: (who: Who, may: string, to: string) => Decision
}

/** `who` is a PeerID, or one entry as in a row: 'lobby', 'mesh:<id>', 'peer:<PeerID>'. BAD_ARGUMENT, UNKNOWN_CAPABILITY. */
export function explainGrant({ who, decide }: Asked, asked: string, may: string, to = '*'): Decision {
  const entry = v.is(whoSchema, asked) ? asked : `peer:${asked}`
  if (!v.is(whoSchema, entry)) throw new MeshError('BAD_ARGUMENT', `who must be a PeerID, a role, or mesh:<id>, not "${String(asked).slice(0, 80)}"`)
  const [name, target] = may.startsWith(PROTOCOL_PREFIX) ? ['stream.open', may.slice(PROTOCOL_PREFIX.length)] : [may, to]
  checkCapabilities([name])
  return decide(whoOf(entry, who), name, target)
}

/** A peer has the roles it has now; of a role asked by its name, nothing else is known. */
function whoOf(entry: string, who: (peer: string) => Who): Who {
  if (entry.startsWith('peer:')) return who(entry.slice('peer:'.length))
  if (entry.startsWith('mesh:')) return { peer: '', roles: [], meshes: [{ id: entry.slice('mesh:'.length), role: 'guest' }] }
  return { peer: '', roles: entry === 'anyone' ? [] : [entry as Who['roles'][number]] }
}
