/** The text of an access.json as rows: shape checked with the line of each mistake, its own tests passed. Pure. Schema for editors: relay-server/access.schema.json. */
import * as v from 'valibot'
import type { PolicyRow, Who } from '../core/access.ts'
import { MeshError } from '../shared/errors.ts'
import { decideBy } from './decide.ts'
import { type Jsonc, parseJsonc } from './jsonc.ts'
import { MAX_ENTRIES, MAX_FILE_TESTS, MAX_ROWS } from './limits.ts'
import { entrySchema, notList, rowSchema, whoSchema } from './row-schema.ts'

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
    may: entrySchema,
    to: v.optional(entrySchema),
    expect: v.picklist(['allow', 'deny']),
  }),
)

const fileSchema = v.pipe(
  notList,
  v.strictObject({
    $schema: v.optional(v.string()),
    defaults: v.optional(v.boolean()),
    rows: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(MAX_ROWS))),
    tests: v.optional(v.pipe(v.array(testSchema), v.maxLength(MAX_FILE_TESTS))),
  }),
)

/** The rows that hold: those of the file, and the defaults whose id it does not use (none with `"defaults": false`). BAD_CONFIG with the line; `now` is ms since 1970. */
export function readAccessText(text: string, defaults: readonly PolicyRow[], now: number): readonly PolicyRow[] {
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
  const decide = decideBy(rows)
  for (const [i, test] of (file.tests ?? []).entries()) {
    const decision = decide(whoOf(test.who), test.may, test.to ?? '*', { startsLastMinute: 0, concurrent: 0 }, now)
    if (decision.allow !== (test.expect === 'allow')) {
      throw bad(
        json,
        ['tests', i],
        `test ${i + 1} expects ${test.expect} for ${test.may}, but the rows ${decision.allow ? 'allow' : 'deny'} it: ${decision.why}`,
      )
    }
  }
  return rows
}

/** Roles and a PeerID of a test's `who`; 'anyone' is a stranger without roles. */
function whoOf(who: string | readonly string[]): Who {
  const names = typeof who === 'string' ? [who] : who
  const peer = names.find((name) => name.startsWith('peer:'))?.slice('peer:'.length) ?? ''
  return { peer, roles: names.filter((name): name is Who['roles'][number] => name !== 'anyone' && !name.startsWith('peer:')) }
}

type PathPart = string | number

function check<S extends v.GenericSchema>(json: Jsonc, path: readonly PathPart[], schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const inner = (issue.path ?? []).map((part) => part.key as PathPart)
  throw bad(json, [...path, ...inner], issue.message)
}

function bad(json: Jsonc, path: readonly PathPart[], why: string): MeshError {
  return new MeshError('BAD_CONFIG', `line ${json.lineOf(path)}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${why}`)
}
