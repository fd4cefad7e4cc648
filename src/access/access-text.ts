/** The text of an access.json as rows: shape checked with the line of each mistake, its own tests passed. Pure. Schema for editors: relay-server/access.schema.json. */
import * as v from 'valibot'
import type { PolicyRow, Who } from '../core/access.ts'
import { type ErrorCode, MeshError } from '../shared/errors.ts'
import { contradictionIn, lockedOut } from './contradict.ts'
import { decideBy } from './decide.ts'
import { type Jsonc, parseJsonc } from './jsonc.ts'
import { MAX_ENTRIES, MAX_FILE_TESTS, MAX_ROWS } from './limits.ts'
import { codeOfIssue, entrySchema, maySchema, notList, rowSchema, whoSchema } from './row-schema.ts'

/** `until` may be a date that a person can read: 2027-01-31, or with a time and a zone. */
const dateSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/, 'expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z'),
  v.transform((text) => Date.parse(text)),
  v.number('there is no such date'),
)

const testSchema = v.pipe(
  notList,
  v.strictObject({
    who: v.union([whoSchema, v.pipe(v.array(whoSchema), v.minLength(1), v.maxLength(MAX_ENTRIES))]),
    may: maySchema,
    to: v.optional(entrySchema),
    expect: v.picklist(['allow', 'deny']),
  }),
)

const ownerSchema = v.pipe(entrySchema, v.regex(/^peer:[1-9A-HJ-NP-Za-km-z]{40,64}$/, "expected 'peer:' and a PeerID in base58"))

const fileSchema = v.pipe(
  notList,
  v.strictObject({
    $schema: v.optional(v.string()),
    defaults: v.optional(v.boolean()),
    owners: v.optional(v.pipe(v.array(ownerSchema), v.maxLength(MAX_ENTRIES))),
    rows: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(MAX_ROWS))),
    tests: v.optional(v.pipe(v.array(testSchema), v.maxLength(MAX_FILE_TESTS))),
  }),
)

export interface AccessText {
  readonly rows: readonly PolicyRow[]
  /** PeerIDs that have the role 'own' here. */
  readonly owners: readonly string[]
}

/**
 * The rows that hold: those of the file, and the defaults whose id it does not use (none with `"defaults": false`). `now` is ms since 1970, `before` the owners
 * that hold until now. BAD_CONFIG, UNKNOWN_CAPABILITY, GRANT_CONTRADICTS or ACCESS_LOCKOUT with the line.
 */
export function readAccessFile(text: string, defaults: readonly PolicyRow[], now: number, before: readonly string[] = []): AccessText {
  const json = parseJsonc(text)
  const file = check(json, [], fileSchema, json.value)
  const own = new Map<string, PolicyRow>()
  for (const [i, value] of (file.rows ?? []).entries()) {
    const until = (value as { until?: unknown } | null)?.until
    const dated = typeof until === 'string' ? { ...(value as object), until: check(json, ['rows', i, 'until'], dateSchema, until) } : value
    const row = check(json, ['rows', i], rowSchema, dated)
    if (own.has(row.id)) throw bad(json, ['rows', i, 'id'], `the id "${row.id}" is used by another row already`)
    own.set(row.id, row)
  }
  const rows = [...(file.defaults === false ? [] : defaults.filter((row) => !own.has(row.id))), ...own.values()]
  const clash = contradictionIn([...own.values()], now)
  if (clash) throw bad(json, ['rows', [...own.keys()].indexOf(clash.id)], clash.why, 'GRANT_CONTRADICTS')
  const decide = decideBy(rows)
  for (const [i, test] of (file.tests ?? []).entries()) {
    const decision = decide(whoOf(test.who), test.may, test.to ?? '*', { startsLastMinute: 0, concurrent: 0, used: {} }, now)
    if (decision.allow !== (test.expect === 'allow')) {
      throw bad(
        json,
        ['tests', i],
        `test ${i + 1} expects ${test.expect} for ${test.may}, but the rows ${decision.allow ? 'allow' : 'deny'} it: ${decision.why}`,
      )
    }
  }
  const owners = (file.owners ?? []).map((owner) => owner.slice('peer:'.length))
  if (before.length > 0 && file.owners === undefined) {
    const why = `the file named ${before.length} owner${before.length === 1 ? '' : 's'} and names none now; to mean that, write "owners": []`
    throw bad(json, [], why, 'ACCESS_LOCKOUT')
  }
  for (const [i, owner] of owners.entries()) {
    const why = lockedOut(decide, owner, now)
    if (why) throw bad(json, ['owners', i], why, 'ACCESS_LOCKOUT')
  }
  return { rows, owners }
}

/** The rows alone, of a file that names its owners for the first time or none. */
export function readAccessText(text: string, defaults: readonly PolicyRow[], now: number): readonly PolicyRow[] {
  return readAccessFile(text, defaults, now).rows
}

/** Roles and a PeerID of a test's `who`; 'anyone' is a stranger without roles. */
function whoOf(who: string | readonly string[]): Who {
  const names = typeof who === 'string' ? [who] : who
  const peer = names.find((name) => name.startsWith('peer:'))?.slice('peer:'.length) ?? ''
  const meshes = names.filter((name) => name.startsWith('mesh:')).map((name) => ({ id: name.slice('mesh:'.length), role: 'guest' as const }))
  return { peer, roles: names.filter((name): name is Who['roles'][number] => name !== 'anyone' && !name.includes(':')), meshes }
}

type PathPart = string | number

function check<S extends v.GenericSchema>(json: Jsonc, path: readonly PathPart[], schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const inner = (issue.path ?? []).map((part) => part.key as PathPart)
  throw bad(json, [...path, ...inner], issue.message, codeOfIssue(issue, 'BAD_CONFIG'))
}

function bad(json: Jsonc, path: readonly PathPart[], why: string, code: ErrorCode = 'BAD_CONFIG'): MeshError {
  return new MeshError(code, `line ${json.lineOf(path)}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${why}`)
}
