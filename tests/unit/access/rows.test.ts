/** The rows a peer and a relay start with, the check of rows from outside, and the JSON Schema that editors use. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decideBy } from '../../../src/access/decide.ts'
import { MAX_ENTRIES, MAX_ENTRY_CHARS, MAX_FILE_TESTS, MAX_ROWS } from '../../../src/access/limits.ts'
import { parseRow, rowSchema } from '../../../src/access/row-schema.ts'
import { defaultRows, lobbyRows, type Place } from '../../../src/access/rows.ts'
import type { Decision, PolicyRow, Who } from '../../../src/core/access.ts'

const ANA = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const good: PolicyRow = {
  id: 'ana',
  who: [`peer:${ANA}`],
  may: ['relay.hop'],
  to: ['*'],
  limits: { bytes: 1, time: 1, rate: 1, concurrent: 1, uses: 5 },
  until: 0,
  effect: 'allow',
  label: 'Ana',
}

const ALL = ['message.send', 'file.offer', 'link.echo', 'link.why', 'presence.join', 'relay.reserve', 'relay.hop', 'stream.open', 'mesh.admit']
const allowed = (place: Place, lobby: boolean, role?: Who['roles'][number]) => {
  const decide = decideBy(defaultRows(place, lobby))
  const ask = (may: string): Decision => decide({ peer: ANA, roles: role ? [role] : [] }, may, '*', { startsLastMinute: 0, concurrent: 0 }, 0)
  return ALL.filter((may) => ask(may).allow)
}

test('defaultRows() open to strangers only what the lobby is for, and nothing without it', () => {
  for (const place of ['peer', 'relay'] as const) {
    assert.deepEqual(allowed(place, true), [], 'a stranger outside of the lobby')
    assert.deepEqual(allowed(place, false, 'lobby'), [])
  }
  assert.deepEqual(allowed('peer', true, 'lobby'), ['message.send', 'file.offer'])
  assert.deepEqual(allowed('relay', true, 'lobby'), ['presence.join', 'relay.reserve', 'relay.hop'])
})

test('defaultRows() let members and own devices in, lobby or not, with circuits that carry no limit', () => {
  for (const role of ['member', 'own'] as const) {
    for (const lobby of [true, false]) {
      assert.deepEqual(allowed('peer', lobby, role), ['message.send', 'file.offer'])
      assert.deepEqual(allowed('relay', lobby, role), ['presence.join', 'relay.reserve', 'relay.hop'])
      const hop = decideBy(defaultRows('relay', lobby))(
        { peer: ANA, roles: [role, 'lobby'] },
        'relay.hop',
        ANA,
        { startsLastMinute: 1e6, concurrent: 1e6 },
        0,
      )
      assert.deepEqual([hop.allow, hop.limits], [true, {}])
    }
  }
})

test('lobbyRows() limit a hop to 2 GiB and 2 h and everything else by rate', () => {
  assert.deepEqual(lobbyRows(false, 'peer'), [])
  assert.deepEqual(lobbyRows(false, 'relay'), [])
  const hop = lobbyRows(true, 'relay').find((row) => row.may.includes('relay.hop'))
  assert.equal(hop?.limits?.bytes, 2_147_483_648)
  assert.equal(hop?.limits?.time, 7_200_000)
  for (const row of [...lobbyRows(true, 'peer'), ...lobbyRows(true, 'relay')]) assert.ok((row.limits?.rate ?? 0) > 0, row.id)
})

test('defaultRows() are valid, with an id of their own each', () => {
  for (const place of ['peer', 'relay'] as const) {
    const rows = defaultRows(place, true)
    for (const row of rows) assert.deepEqual(parseRow(row), row)
    assert.equal(new Set(rows.map((row) => row.id)).size, rows.length)
  }
})

test('parseRow() takes a full row and a smallest one, and gives a copy', () => {
  const row = parseRow(good)
  assert.deepEqual(row, good)
  assert.notEqual(row.who, good.who)
  const { id, who, may, label } = good
  assert.deepEqual(parseRow({ id, who, may, label }), { id, who, may, label })
  assert.deepEqual(parseRow({ ...good, may: ['*'], effect: 'deny' }).may, ['*'])
})

test('parseRow() names the place of what is wrong', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /row/],
    [[], /: row: expected \{ \}, got a list/],
    [{ ...good, limits: [] }, /: limits: expected \{ \}, got a list/],
    [{ ...good, id: '' }, /: id: /],
    [{ ...good, id: 'x'.repeat(MAX_ENTRY_CHARS + 1) }, /: id: /],
    [{ ...good, label: undefined }, /: label: /],
    [{ ...good, label: 'a\u0007b' }, /: label: control characters/],
    [{ ...good, who: [] }, /: who: /],
    [{ ...good, who: ['everyone'] }, /: who\.0: expected 'anyone'/],
    [{ ...good, who: ['anyone', `peer:${ANA}0`] }, /: who\.1: /],
    [{ ...good, who: [ANA] }, /: who\.0: /],
    [{ ...good, who: 'anyone' }, /: who: /],
    [{ ...good, may: [] }, /: may: /],
    [{ ...good, may: ['*'] }, /: may: '\*' stands for every capability/],
    [{ ...good, may: ['relay.hop', '*'], effect: undefined }, /: may: '\*'/],
    [{ ...good, to: [] }, /: to: /],
    [{ ...good, to: Array.from({ length: MAX_ENTRIES + 1 }, () => 'x') }, /: to: /],
    [{ ...good, limits: { rate: 0 } }, /: limits\.rate: /],
    [{ ...good, limits: { bytes: 1.5 } }, /: limits\.bytes: /],
    [{ ...good, limits: { bytes: Number.POSITIVE_INFINITY } }, /: limits\.bytes: /],
    [{ ...good, limits: { rates: 1 } }, /: limits\.rates: /],
    [{ ...good, until: '2027-01-01' }, /: until: /],
    [{ ...good, until: Number.NaN }, /: until: /],
    [{ ...good, effect: 'block' }, /: effect: /],
    [{ ...good, untill: 1 }, /: untill: /],
  ]
  for (const [value, message] of cases) {
    assert.throws(
      () => parseRow(value),
      (error: Error & { code: string }) => error.code === 'BAD_ARGUMENT' && message.test(error.message),
      `${JSON.stringify(value)} ${message}`,
    )
  }
})

test('access.schema.json describes the rows that the program takes', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../relay-server/access.schema.json', import.meta.url), 'utf8'))
  const { entry, who, row } = schema.$defs
  const [, object] = rowSchema.pipe
  assert.deepEqual(Object.keys(row.properties).sort(), Object.keys(object.entries).sort())
  assert.deepEqual(
    [...row.required].sort(),
    Object.entries(object.entries)
      .filter(([, part]) => part.type !== 'optional')
      .map(([name]) => name)
      .sort(),
  )
  assert.deepEqual(Object.keys(row.properties.limits.properties).sort(), Object.keys(good.limits ?? {}).sort())
  assert.equal(entry.maxLength, MAX_ENTRY_CHARS)
  assert.equal(row.properties.who.maxItems, MAX_ENTRIES)
  assert.equal(schema.properties.rows.maxItems, MAX_ROWS)
  assert.equal(schema.properties.tests.maxItems, MAX_FILE_TESTS)
  for (const name of ['anyone', 'own', `peer:${ANA}`, 'everyone', ANA, 'peer:x', '']) {
    const taken = new RegExp(who.pattern).test(name)
    if (taken) parseRow({ ...good, who: [name] })
    else assert.throws(() => parseRow({ ...good, who: [name] }), { code: 'BAD_ARGUMENT' })
  }
})
