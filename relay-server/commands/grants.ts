/** The commands about rights: grants, grant, revoke, explain ask the running relay; check-access reads a file. Each prints for people, or JSON with --json. */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readAccessFile } from '../../src/access/access-text.ts'
import { defaultRows } from '../../src/access/rows.ts'
import type { Grant, PolicyRow } from '../../src/core/access.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { MAX_CONFIG_FILE } from '../limits.ts'
import type { LocalClient } from '../local-api/client.ts'
import { printableLine } from './printable.ts'

interface Asked {
  readonly client: LocalClient
  readonly out: (text: string) => void
  readonly json: boolean
  readonly positionals: readonly string[]
  /** What the flags say of a grant. */
  readonly terms: GrantFlags
}

export interface GrantFlags {
  readonly to?: readonly string[] | undefined
  readonly bytes?: string | undefined
  readonly time?: string | undefined
  readonly rate?: string | undefined
  readonly concurrent?: string | undefined
  readonly uses?: string | undefined
  readonly until?: string | undefined
  readonly label?: string | undefined
}

export const GRANT_OPTIONS = {
  to: { type: 'string', multiple: true },
  bytes: { type: 'string' },
  time: { type: 'string' },
  rate: { type: 'string' },
  concurrent: { type: 'string' },
  uses: { type: 'string' },
  until: { type: 'string' },
  label: { type: 'string' },
} as const

export const GRANT_COMMANDS = { grants, grant, revoke, explain, 'check-access': checkAccess } as const

async function grants({ client, out, json }: Asked): Promise<number> {
  const rows = await client.rows()
  if (json) out(JSON.stringify(rows, undefined, 2))
  else for (const row of rows) out(rowText(row))
  return EXIT.ok
}

async function grant({ client, out, json, positionals, terms }: Asked): Promise<number> {
  const [who, may, ...more] = positionals
  if (!who || !may || more.length > 0)
    throw new MeshError('BAD_ARGUMENT', 'grant needs WHO and WHAT, e.g. dmesh grant peer:12D3… relay.hop --until 2027-01-31')
  const id = await client.grant(grantOf(who, may, terms))
  out(json ? JSON.stringify({ id }) : id)
  return EXIT.ok
}

/** WHO and WHAT may each be several, with commas. A bare PeerID means that peer. */
function grantOf(who: string, may: string, { to, until, label, ...amounts }: GrantFlags): Grant {
  const limits = Object.entries(amounts).flatMap(([name, value]) => (value === undefined ? [] : [[name, amountOf(name, value)] as const]))
  return {
    who: who.split(',').map((one) => (/^12D3KooW/.test(one) ? `peer:${one}` : one)),
    may: may.split(','),
    ...(to ? { to } : {}),
    ...(limits.length > 0 ? { limits: Object.fromEntries(limits) } : {}),
    ...(until === undefined ? {} : { until: dateOf(until) }),
    ...(label === undefined ? {} : { label }),
  }
}

function amountOf(name: string, value: string): number {
  const amount = Number(value)
  if (Number.isSafeInteger(amount) && amount > 0) return amount
  throw new MeshError('BAD_ARGUMENT', `--${name} is "${value}"; write a whole number from 1`)
}

function dateOf(text: string): number {
  const date = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(date)) throw new MeshError('BAD_ARGUMENT', `--until is "${text}"; write a date such as 2027-01-31 or 2027-01-31T12:00:00Z`)
  return date
}

async function revoke({ client, out, json, positionals }: Asked): Promise<number> {
  const [id, ...more] = positionals
  if (!id || more.length > 0) throw new MeshError('BAD_ARGUMENT', 'revoke needs the ID of one grant; see: dmesh grants')
  await client.revoke(id)
  out(json ? JSON.stringify({ id }) : `revoked ${id}`)
  return EXIT.ok
}

/** Exit code 0 when it is allowed, that of "denied" when not. */
async function explain({ client, out, json, positionals }: Asked): Promise<number> {
  const [who, may, to, ...more] = positionals
  if (!who || !may || more.length > 0)
    throw new MeshError('BAD_ARGUMENT', 'explain needs WHO and WHAT, and may have TO, e.g. dmesh explain lobby relay.hop')
  const answer = await client.explain(who, may, to)
  out(
    json
      ? JSON.stringify(answer)
      : `${answer.allow ? 'allowed' : 'denied'}: ${printableLine(answer.why)}${answer.row === undefined ? '' : ` (row ${printableLine(answer.row)})`}`,
  )
  return answer.allow ? EXIT.ok : EXIT.denied
}

/** Checks without a relay; the rows of a lobby count as on. */
async function checkAccess({ out, json, positionals }: Pick<Asked, 'out' | 'json' | 'positionals'>): Promise<number> {
  const [path, ...more] = positionals
  if (!path || more.length > 0) throw new MeshError('BAD_ARGUMENT', 'check-access needs one FILE')
  const { rows, owners } = readAccessFile(readText(resolve(path)), [...linkRows(), ...defaultRows('relay', true)], Date.now())
  out(json ? JSON.stringify({ rows, owners }, undefined, 2) : `${path} is right: ${rows.length} rows hold, ${owners.length} owners, its tests pass`)
  return EXIT.ok
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_CONFIG_FILE) throw new MeshError('BAD_CONFIG', `${path} has more than ${MAX_CONFIG_FILE} bytes`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof MeshError) throw error
    throw new MeshError('BAD_CONFIG', `${path} could not be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

function rowText({ id, who, may, to, limits, until, effect, label }: PolicyRow): string {
  const parts = [
    id,
    `${who.join(',')} ${effect === 'deny' ? 'may never' : 'may'} ${may.join(',')}`,
    to ? `to ${to.join(',')}` : '',
    ...Object.entries(limits ?? {}).map(([name, amount]) => `${name}=${amount}`),
    until === undefined ? '' : `until ${new Date(until).toISOString()}`,
    label,
  ]
  return printableLine(parts.filter(Boolean).join(' '), 1_000)
}
