/** decideBy(): the table of cases, and what must hold for any rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideBy } from '../../../src/access/decide.ts'
import type { PolicyRow, Usage, Who } from '../../../src/core/access.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const ANA = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const BOB = '12D3KooWQ4eG6bXhQb2oZ2bxY1zJ8nYhQmKQqg6hWmYk6UcHkQyB'
const idle: Usage = { startsLastMinute: 0, concurrent: 0 }
const NOW = 1_000_000
const who = (...roles: Who['roles'][number][]): Who => ({ peer: ANA, roles })
const row = (over: Partial<PolicyRow>): PolicyRow => ({ id: 'r', who: ['anyone'], may: ['message.send'], label: over.id ?? 'r', ...over })

interface Case {
  readonly about: string
  readonly rows: readonly PolicyRow[]
  readonly who?: Who
  readonly may?: string
  readonly to?: string
  readonly usage?: Partial<Usage>
  readonly expect: 'allow' | 'deny' | 'full'
  readonly why: RegExp
}

const cases: readonly Case[] = [
  { about: 'no rows', rows: [], expect: 'deny', why: /^No row allows message\.send on \* to this peer\.$/ },
  { about: 'a row for anyone', rows: [row({})], expect: 'allow', why: /^"r" allows it\.$/ },
  { about: 'a row for another capability', rows: [row({ may: ['file.offer'] })], expect: 'deny', why: /^No row/ },
  { about: 'a capability that only starts the same', rows: [row({ may: ['message'] })], expect: 'deny', why: /^No row/ },
  { about: 'a role that the peer has', rows: [row({ who: ['member'] })], who: who('lobby', 'member'), expect: 'allow', why: /r/ },
  { about: 'a role that the peer lacks', rows: [row({ who: ['member'] })], who: who('lobby'), expect: 'deny', why: /^No row/ },
  { about: 'a row for this peer', rows: [row({ who: [`peer:${ANA}`] })], expect: 'allow', why: /r/ },
  { about: 'a row for another peer', rows: [row({ who: [`peer:${BOB}`] })], expect: 'deny', why: /^No row/ },
  { about: 'a PeerID without its prefix', rows: [row({ who: [ANA] })], expect: 'deny', why: /^No row/ },
  { about: 'a row for guests, asked by a member', rows: [row({ who: ['guest'] })], who: who('member'), expect: 'deny', why: /^No row/ },
  { about: 'a row for owners', rows: [row({ who: ['owner'] })], who: who('member', 'owner'), expect: 'allow', why: /r/ },
  { about: 'a row for owners, asked by a member', rows: [row({ who: ['owner'] })], who: who('member'), expect: 'deny', why: /^No row/ },
  {
    about: 'a row for a mesh',
    rows: [row({ who: ['mesh:m1'] })],
    who: { ...who(), meshes: [{ id: 'm1', role: 'guest' }] },
    expect: 'allow',
    why: /r/,
  },
  {
    about: 'a row for another mesh',
    rows: [row({ who: ['mesh:m2'] })],
    who: { ...who('member'), meshes: [{ id: 'm1', role: 'owner' }] },
    expect: 'deny',
    why: /^No row/,
  },
  { about: 'uses that are left', rows: [row({ limits: { uses: 2 } })], usage: { used: { r: 1 } }, expect: 'allow', why: /r/ },
  { about: 'uses that are over', rows: [row({ limits: { uses: 2 } })], usage: { used: { r: 2 } }, expect: 'full', why: /2 in all/ },
  { about: 'uses that nobody counts', rows: [row({ limits: { uses: 2 } })], expect: 'full', why: /2 in all/ },
  { about: 'uses of another row', rows: [row({ limits: { uses: 2 } })], usage: { used: { x: 9 } }, expect: 'allow', why: /r/ },
  { about: 'uses that are no number', rows: [row({ limits: { uses: 2 } })], usage: { used: { r: Number.NaN } }, expect: 'full', why: /2 in all/ },
  { about: 'self without a row', rows: [row({ who: ['own'] })], who: who('self'), expect: 'deny', why: /^No row/ },
  { about: 'self with a row', rows: [row({ who: ['self'] })], who: who('self'), expect: 'allow', why: /r/ },
  { about: 'a target that is not named', rows: [row({ to: ['photos'] })], to: 'music', expect: 'deny', why: /on music/ },
  { about: 'a target that is named', rows: [row({ to: ['music', 'photos'] })], to: 'photos', expect: 'allow', why: /r/ },
  { about: 'every target asked of a row for one', rows: [row({ to: ['photos'] })], to: '*', expect: 'deny', why: /^No row/ },
  { about: 'a row for no target at all', rows: [row({ to: [] })], expect: 'deny', why: /^No row/ },
  { about: 'a row before its end', rows: [row({ until: NOW + 1 })], expect: 'allow', why: /r/ },
  { about: 'a row at its end', rows: [row({ until: NOW })], expect: 'deny', why: /^No row/ },
  { about: 'a row whose end is no number', rows: [row({ until: Number.NaN })], expect: 'deny', why: /^No row/ },
  { about: 'a wildcard in an allow row', rows: [row({ may: ['*'] })], expect: 'deny', why: /^No row/ },
  { about: 'a wildcard in an allow row, asked for by name', rows: [row({ may: ['*'] })], may: '*', expect: 'deny', why: /^No row/ },
  {
    about: 'a wildcard in a deny row',
    rows: [row({}), row({ id: 'block', may: ['*'], effect: 'deny' })],
    expect: 'deny',
    why: /^"block" denies message\.send/,
  },
  {
    about: 'a deny row behind a more specific allow',
    rows: [row({ who: [`peer:${ANA}`] }), row({ id: 'no', effect: 'deny' })],
    expect: 'deny',
    why: /^"no" denies/,
  },
  { about: 'a deny row for others', rows: [row({}), row({ id: 'no', who: [`peer:${BOB}`], effect: 'deny' })], expect: 'allow', why: /r/ },
  { about: 'a deny row that ended', rows: [row({}), row({ id: 'no', effect: 'deny', until: NOW })], expect: 'allow', why: /r/ },
  { about: 'a deny row for another target', rows: [row({}), row({ id: 'no', effect: 'deny', to: ['x'] })], to: 'y', expect: 'allow', why: /r/ },
  { about: 'a rate not used up', rows: [row({ limits: { rate: 3 } })], usage: { startsLastMinute: 2 }, expect: 'allow', why: /r/ },
  {
    about: 'a rate used up',
    rows: [row({ limits: { rate: 3 } })],
    usage: { startsLastMinute: 3 },
    expect: 'full',
    why: /^"r" allows 3 starts a minute, and they are used up\.$/,
  },
  { about: 'as many at once as allowed less one', rows: [row({ limits: { concurrent: 2 } })], usage: { concurrent: 1 }, expect: 'allow', why: /r/ },
  {
    about: 'as many at once as allowed',
    rows: [row({ limits: { concurrent: 2 } })],
    usage: { concurrent: 2 },
    expect: 'full',
    why: /^"r" allows 2 at once, and they are in use\.$/,
  },
  {
    about: 'a count that is no number',
    rows: [row({ limits: { rate: 3 } })],
    usage: { startsLastMinute: Number.NaN },
    expect: 'full',
    why: /used up/,
  },
  {
    about: 'a number at once that is no number',
    rows: [row({ limits: { concurrent: 3 } })],
    usage: { concurrent: Number.NaN },
    expect: 'full',
    why: /in use/,
  },
]

for (const { about, rows, expect, why, ...question } of cases) {
  test(`decideBy() answers ${expect} for ${about}`, () => {
    const decision = decideBy(rows)(question.who ?? who(), question.may ?? 'message.send', question.to ?? '*', { ...idle, ...question.usage }, NOW)
    assert.equal(decision.allow, expect === 'allow')
    assert.equal(decision.code, { allow: undefined, deny: 'ACCESS_DENIED', full: 'LIMIT_REACHED' }[expect])
    assert.match(decision.why, why)
  })
}

test('decideBy() lets the most specific row answer alone, whatever the order: self, peer, own, mesh, owner, member, guest, lobby, anyone', () => {
  const everybody = ['self', `peer:${ANA}`, 'own', 'mesh:m1', 'owner', 'member', 'guest', 'lobby', 'anyone']
  const rows = everybody.map((name, i) => row({ id: name, who: [name], limits: { rate: i + 1 } }))
  const asks: Who = { ...who('lobby', 'guest', 'member', 'owner', 'own', 'self'), meshes: [{ id: 'm1', role: 'owner' }] }
  for (let first = 0; first < rows.length; first++) {
    const left = rows.slice(first)
    for (const order of [left, left.toReversed(), [...left.slice(2), ...left.slice(0, 2)]]) {
      const decision = decideBy(order)(asks, 'message.send', 'x', idle, NOW)
      const granted = first < everybody.indexOf('lobby') ? { granted: true } : {}
      assert.deepEqual(decision, {
        allow: true,
        limits: { rate: first + 1 },
        why: `"${everybody[first]}" allows it.`,
        row: everybody[first],
        ...granted,
      })
    }
  }
})

test('decideBy() prefers an exact target among rows for the same people, then the first row', () => {
  const any = row({ id: 'any', who: ['lobby'] })
  const exact = row({ id: 'exact', who: ['lobby'], to: ['x'] })
  const peer = row({ id: 'peer', who: [`peer:${ANA}`] })
  const answer = (rows: readonly PolicyRow[], to = 'x') => decideBy(rows)(who('lobby'), 'message.send', to, idle, NOW).why
  assert.equal(answer([any, exact]), '"exact" allows it.')
  assert.equal(answer([exact, any]), '"exact" allows it.')
  assert.equal(answer([exact, any], 'y'), '"any" allows it.')
  assert.equal(answer([exact, peer]), '"peer" allows it.')
  const stranger = row({ id: 'stranger', to: ['x'] })
  assert.equal(answer([stranger, any]), '"any" allows it.', 'who counts before to')
  assert.equal(answer([any, stranger]), '"any" allows it.')
  assert.equal(answer([any, { ...any, label: 'second' }]), '"any" allows it.')
})

test('decideBy() judges a row by the best of its own entries', () => {
  const both = row({ id: 'both', who: ['anyone', 'own'] })
  const member = row({ id: 'member', who: ['member'] })
  assert.equal(decideBy([member, both])(who('member', 'own'), 'message.send', '*', idle, NOW).why, '"both" allows it.')
  assert.equal(decideBy([member, both])(who('member'), 'message.send', '*', idle, NOW).why, '"member" allows it.')
})

test('decideBy() does not see later changes of the rows it was given, and gives no way into its own', () => {
  const limits = { rate: 1 }
  const names = ['anyone']
  const decide = decideBy([row({ who: names, limits })])
  names[0] = 'own'
  limits.rate = 9
  const first = decide(who(), 'message.send', '*', idle, NOW)
  assert.deepEqual(first.limits, { rate: 1 })
  ;(first.limits as { rate: number }).rate = 9
  assert.deepEqual(decide(who(), 'message.send', '*', idle, NOW).limits, { rate: 1 })
})

test('decideBy() shortens names from outside in its sentence', () => {
  const { why } = decideBy([])(who(), 'x'.repeat(5000), 'y'.repeat(5000), idle, NOW)
  assert.ok(why.length < 250)
})

const NAMES = ['anyone', 'lobby', 'member', 'own', 'self', `peer:${ANA}`, `peer:${BOB}`]
const MAY = ['message.send', 'file.offer', 'relay.hop']
const TO = ['x', 'y']
const some = (...from: string[]) => fc.array(fc.constantFrom(...from), { minLength: 1, maxLength: 3 })
const anyRow = fc.record(
  {
    id: fc.string({ maxLength: 5 }),
    label: fc.string({ maxLength: 5 }),
    who: some(...NAMES),
    may: some(...MAY, '*'),
    to: some(...TO, '*'),
    until: fc.integer({ min: NOW - 2, max: NOW + 2 }),
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    limits: fc.record(
      { rate: fc.integer({ min: 1, max: 3 }), concurrent: fc.integer({ min: 1, max: 3 }), bytes: fc.integer({ min: 1, max: 9 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['id', 'label', 'who', 'may'] },
)
const anyRows = fc.array(anyRow, { maxLength: 6 })
const question = fc.record({
  who: fc.record({ peer: fc.constantFrom(ANA, BOB), roles: fc.subarray(['lobby', 'member', 'own', 'self'] as const) }),
  may: fc.constantFrom(...MAY),
  to: fc.constantFrom(...TO, '*'),
  usage: fc.record({ startsLastMinute: fc.nat({ max: 4 }), concurrent: fc.nat({ max: 4 }) }),
})
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never
const ask = (rows: readonly PolicyRow[], { who, may, to, usage }: Question) => decideBy(rows)(who, may, to, usage, NOW)

/** The rules of decide.ts written a second time, slowly: every matching row by plain comparison. */
function matches(row: PolicyRow, { who, may, to }: Question): boolean {
  const names = ['anyone', `peer:${who.peer}`, ...who.roles]
  const deny = row.effect === 'deny'
  const live = row.until === undefined || row.until > NOW
  const targets = row.to ?? ['*']
  return (
    live &&
    row.who.some((name) => names.includes(name)) &&
    (row.may.includes(may) || (deny && row.may.includes('*'))) &&
    (targets.includes('*') || (to !== '*' && targets.includes(to)))
  )
}

test('decideBy() allows only what a live allow row matches and no live deny row does', () => {
  fc.assert(
    fc.property(anyRows, question, (rows, asked) => {
      const found = rows.filter((row) => matches(row, asked))
      const granted = found.length > 0 && found.every((row) => row.effect !== 'deny')
      const decision = ask(rows, asked)
      assert.equal(decision.allow || decision.code === 'LIMIT_REACHED', granted)
      if (decision.allow)
        assert.ok(
          found.some((row) => decision.why === `"${row.label}" allows it.` && JSON.stringify(row.limits ?? {}) === JSON.stringify(decision.limits)),
        )
    }),
    { numRuns },
  )
})

test('decideBy() never allows more after a deny row was added', () => {
  fc.assert(
    fc.property(anyRows, anyRow, fc.nat(), question, (rows, added, at, asked) => {
      const more = rows.toSpliced(at % (rows.length + 1), 0, { ...added, effect: 'deny' })
      assert.ok(!ask(more, asked).allow || ask(rows, asked).allow)
    }),
    { numRuns },
  )
})

test('decideBy() gives nobody a capability by removing an allow row', () => {
  fc.assert(
    fc.property(anyRows, fc.nat(), question, (rows, at, asked) => {
      fc.pre(rows.length > 0 && rows[at % rows.length]?.effect !== 'deny')
      const before = ask(rows, { ...asked, usage: idle })
      const after = ask(rows.toSpliced(at % rows.length, 1), { ...asked, usage: idle })
      assert.ok(before.allow || !after.allow)
    }),
    { numRuns },
  )
})

test('decideBy() answers the same with and without expired rows', () => {
  fc.assert(
    fc.property(anyRows, question, (rows, asked) => {
      const live = rows.filter((row) => row.until === undefined || row.until > NOW)
      assert.deepEqual(ask(rows, asked), ask(live, asked))
    }),
    { numRuns },
  )
})

test('decideBy() never allows more when more was used', () => {
  fc.assert(
    fc.property(anyRows, question, fc.nat({ max: 3 }), fc.nat({ max: 3 }), (rows, asked, starts, concurrent) => {
      const usage = { startsLastMinute: asked.usage.startsLastMinute + starts, concurrent: asked.usage.concurrent + concurrent }
      assert.ok(!ask(rows, { ...asked, usage }).allow || ask(rows, asked).allow)
    }),
    { numRuns },
  )
})

test('decideBy() gives one plain sentence and no limits when it denies', () => {
  fc.assert(
    fc.property(anyRows, question, (rows, asked) => {
      const decision = ask(rows, asked)
      assert.match(decision.why, /\.$/)
      if (!decision.allow) assert.deepEqual(decision.limits, {})
    }),
    { numRuns: Math.min(numRuns, 1000) },
  )
})
