/** The check of policy rows from a person, a file or a store. Loaded when there is one to check: a new peer starts without. Must never allow a capability by wildcard. */
import * as v from 'valibot'
import type { PolicyRow } from '../core/access.ts'
import { MeshError } from '../shared/errors.ts'
import { isCapability, unknownCapability } from './capabilities.ts'
import { MAX_ENTRIES, MAX_ENTRY_CHARS } from './limits.ts'

/** An id, capability, target or label. */
export const entrySchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_ENTRY_CHARS),
  v.regex(/^[^\p{Cc}]*$/u, 'control characters are not allowed'),
)
const entries = v.pipe(v.array(entrySchema), v.minLength(1), v.maxLength(MAX_ENTRIES))
/** One entry of `who`. */
export const whoSchema = v.pipe(
  entrySchema,
  v.regex(
    /^(anyone|lobby|guest|member|owner|own|self|(peer|mesh):[1-9A-HJ-NP-Za-km-z]{40,64})$/,
    "expected 'anyone', 'lobby', 'guest', 'member', 'owner', 'own', 'self', 'mesh:' and the id of a mesh, or 'peer:' and a PeerID in base58",
  ),
)
/** A name of the registry. */
export const maySchema = v.pipe(
  entrySchema,
  v.check(isCapability, (issue) => unknownCapability(String(issue.input))),
)
const amount = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** Put before an object schema: valibot takes a list for an object, and `limits: []` must not mean "no limits". */
export const notList = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), 'expected { }, got a list'),
)

/** A row from outside. Unknown members are refused: a misspelt `until` would otherwise last for ever. */
export const rowSchema = v.pipe(
  notList,
  v.strictObject({
    id: entrySchema,
    who: v.pipe(v.array(whoSchema), v.minLength(1), v.maxLength(MAX_ENTRIES)),
    may: v.pipe(v.array(maySchema), v.minLength(1), v.maxLength(MAX_ENTRIES)),
    to: v.optional(entries),
    limits: v.optional(
      v.pipe(
        notList,
        v.strictObject({
          bytes: v.optional(amount),
          time: v.optional(amount),
          rate: v.optional(amount),
          concurrent: v.optional(amount),
          uses: v.optional(amount),
        }),
      ),
    ),
    until: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    effect: v.optional(v.picklist(['allow', 'deny'])),
    label: entrySchema,
  }),
  v.forward(
    v.check(
      (row) => row.effect === 'deny' || !row.may.includes('*'),
      "'*' stands for every capability, so only a row with effect 'deny' may have it",
    ),
    ['may'],
  ),
)

/** A row of the right shape, copied. BAD_ARGUMENT, or UNKNOWN_CAPABILITY, with the place and the reason otherwise. */
export function parseRow(value: unknown): PolicyRow {
  const result = v.safeParse(rowSchema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  throw new MeshError(codeOfIssue(issue, 'BAD_ARGUMENT'), `this row is not valid: ${v.getDotPath(issue) ?? 'row'}: ${issue.message}`)
}

/** The code of a mistake: a capability that does not exist has its own. */
export function codeOfIssue<C extends 'BAD_ARGUMENT' | 'BAD_CONFIG'>(issue: v.BaseIssue<unknown>, other: C): C | 'UNKNOWN_CAPABILITY' {
  return typeof issue.input === 'string' && issue.message === unknownCapability(issue.input) ? 'UNKNOWN_CAPABILITY' : other
}
