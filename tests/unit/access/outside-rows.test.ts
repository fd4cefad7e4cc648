/** Rows and access.json from outside, whatever they hold: rows of the right shape or a documented code, and never a capability by wildcard. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAccessText } from '../../../src/access/access-text.ts'
import { MAX_ENTRIES, MAX_ENTRY_CHARS } from '../../../src/access/limits.ts'
import { parseRow } from '../../../src/access/row-schema.ts'
import { defaultRows } from '../../../src/access/rows.ts'
import type { PolicyRow } from '../../../src/core/access.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const entry = fc.oneof(fc.constantFrom('relay.hop', 'message.send', '*', 'anyone', 'lobby', 'peer:x', ''), fc.string({ unit: 'binary' }))
const list = fc.oneof(fc.array(entry, { maxLength: 4 }), fc.jsonValue())
const row = fc.record(
  {
    id: fc.oneof(fc.string(), fc.jsonValue()),
    who: fc.oneof(fc.array(fc.constantFrom('anyone', 'lobby', 'member', 'own', 'self'), { minLength: 1 }), list),
    may: fc.oneof(fc.array(fc.constantFrom('relay.hop', '*'), { minLength: 1 }), list),
    to: list,
    limits: fc.oneof(
      fc.dictionary(fc.constantFrom('bytes', 'time', 'rate', 'concurrent', 'uses', 'x'), fc.oneof(fc.integer(), fc.double())),
      fc.jsonValue(),
    ),
    until: fc.oneof(fc.integer(), fc.constant('2027-01-31'), fc.jsonValue()),
    effect: fc.oneof(fc.constantFrom('allow', 'deny'), fc.jsonValue()),
    label: fc.oneof(fc.string(), fc.jsonValue()),
    ['__proto__']: fc.jsonValue(),
  },
  { requiredKeys: ['id', 'who', 'may', 'label'] },
)
const check = fc.record({ who: list, may: entry, to: entry, expect: fc.constantFrom('allow', 'deny', 'x') }, { requiredKeys: ['who', 'may'] })
const file = fc
  .record(
    {
      $schema: fc.jsonValue(),
      owners: fc.oneof(fc.array(fc.constant('peer:12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH')), list),
      defaults: fc.oneof(fc.boolean(), fc.jsonValue()),
      rows: fc.oneof(fc.array(row, { maxLength: 4 }), fc.jsonValue()),
      tests: fc.oneof(fc.array(check, { maxLength: 3 }), fc.jsonValue()),
      more: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value, undefined, 2))

function assertRow({ id, who, may, to = ['x'], limits = {}, until = 0, effect, label }: PolicyRow): void {
  for (const text of [id, label, ...who, ...may, ...to]) assert.ok(text.length > 0 && text.length <= MAX_ENTRY_CHARS && !/\p{Cc}/u.test(text))
  for (const entries of [who, may, to]) assert.ok(entries.length > 0 && entries.length <= MAX_ENTRIES)
  for (const amount of Object.values(limits)) assert.ok(Number.isSafeInteger(amount) && amount >= 1)
  assert.ok(Number.isSafeInteger(until) && until >= 0)
  assert.ok(effect === 'deny' || !may.includes('*'), 'a capability by wildcard')
}

test('parseRow() gives a row of the right shape or a documented code, for any value', () => {
  fc.assert(
    fc.property(fc.oneof(row, fc.anything()), (value) => {
      const got = valueOrCode(() => parseRow(value), ['BAD_ARGUMENT', 'UNKNOWN_CAPABILITY'])
      if (got) assertRow(got)
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('readAccessText() gives rows of the right shape and of one id each, or a documented code with the line, for any text', () => {
  const defaults = defaultRows('relay', true)
  fc.assert(
    fc.property(fc.oneof(file, file, fc.string(), fc.json()), (text) => {
      const rows = valueOrCode(() => readAccessText(text, defaults, 0), ['BAD_CONFIG', 'UNKNOWN_CAPABILITY', 'GRANT_CONTRADICTS', 'ACCESS_LOCKOUT'])
      if (!rows) return
      for (const one of rows) assertRow(one)
      assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
    }),
    { numRuns: FUZZ_RUNS },
  )
})
