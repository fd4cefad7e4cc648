/** access.json: what a file may say, the line of every mistake, its own tests, and reading it again while the relay runs. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type AccessFile, openAccessFile } from '../../../src/access/access-file.node.ts'
import { readAccessText } from '../../../src/access/access-text.ts'
import { defaultRows } from '../../../src/access/rows.ts'
import type { PolicyRow, Who } from '../../../src/core/access.ts'
import { linkRows } from '../../../src/mesh/link-rows.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { waitUntil } from '../../support/wait.ts'

const ANA = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const defaults: readonly PolicyRow[] = [{ id: 'member', who: ['member'], may: ['relay.hop'], label: 'Members' }]
const root = await mkdtemp(join(tmpdir(), 'dmesh-access-'))
const opened: AccessFile[] = []
after(async () => {
  for (const file of opened) file.close()
  await rm(root, { recursive: true })
})

let count = 0
const fresh = async (text?: string) => {
  const path = join(await mkdtemp(join(root, `${count++}-`)), 'access.json')
  if (text !== undefined) await writeFile(path, text)
  return path
}
const open = async (path: string, rows = defaults) => {
  const file = await openAccessFile({ path, defaults: rows, clock: systemClock(), log: silentLog() })
  opened.push(file)
  return file
}
const may = (file: Pick<AccessFile, 'decide'>, ...roles: Who['roles'][number][]) =>
  file.decide({ peer: ANA, roles }, 'relay.hop', '*', { startsLastMinute: 0, concurrent: 0 }, Date.now()).allow
const denyAna = JSON.stringify({ rows: [{ id: 'ana', who: [`peer:${ANA}`], may: ['*'], effect: 'deny', label: 'Ana' }] })

const FULL = `// Who may use the relay at home.
{
  "$schema": "./access.schema.json",
  "rows": [
    // Ana may use the relay until the end of her stay.
    { "id": "ana", "who": ["peer:${ANA}"], "may": ["relay.hop", "relay.reserve"], "until": "2027-01-31", "label": "Ana" },
    { "id": "member", "who": ["member"], "may": ["relay.reserve"], "limits": { "rate": 10 }, "label": "Members: no hop" },
  ],
  "tests": [
    { "who": "peer:${ANA}", "may": "relay.hop", "expect": "allow" },
    { "who": ["member", "lobby"], "may": "relay.hop", "expect": "deny" },
    { "who": "anyone", "may": "relay.hop", "to": "x", "expect": "deny" },
  ],
}
`
const BEFORE = Date.parse('2027-01-30T23:59:59Z')

test('readAccessText() reads comments, dates and tests, and puts its rows in place of defaults of the same id', () => {
  const rows = readAccessText(FULL, [...defaults, { id: 'own', who: ['own'], may: ['relay.hop'], label: 'Own' }], BEFORE)
  assert.deepEqual(
    rows.map((row) => row.id),
    ['own', 'ana', 'member'],
  )
  assert.equal(rows[1]?.until, Date.parse('2027-01-31T00:00:00Z'))
})

test('readAccessText() drops the defaults where the file says so', () => {
  assert.deepEqual(readAccessText('{"defaults": false}', defaults, 0), [])
  assert.deepEqual(readAccessText('{"defaults": true}', defaults, 0), defaults)
  assert.deepEqual(readAccessText('{}', defaults, 0), defaults)
})

test('readAccessText() runs the tests at the time given', () => {
  assert.throws(
    () => readAccessText(FULL, defaults, BEFORE + 1000),
    /line 10: tests\.0: test 1 expects allow for relay\.hop, but the rows deny it: No row allows/,
  )
})

test('readAccessText() names the line of every mistake', () => {
  const row = (over: object) => JSON.stringify({ id: 'r', who: ['anyone'], may: ['relay.hop'], label: 'R', ...over })
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[]', /^line 1: /],
    ['"rows"', /^line 1: /],
    ['{"rows": [\n[]]}', /^line 2: rows\.0: expected \{ \}, got a list/],
    ['{\n"row": []}', /^line 2: row: /],
    ['{"rows": [\nnull]}', /^line 2: rows\.0: /],
    ['{"tests": [\n[]]}', /^line 2: tests\.0: expected \{ \}, got a list/],
    ['{\n"rows": {}}', /^line 2: rows: /],
    [`{"rows": [\n${row({})},\n${row({ who: ['everyone'] })}]}`, /^line 3: rows\.1\.who\.0: expected 'anyone'/],
    [`{"rows": [\n${row({})},\n${row({})}]}`, /^line 3: rows\.1\.id: the id "r" is used by another row/],
    [`{"rows": [\n{\n"id": "r",\n"may": ["*"],\n"who": ["anyone"], "label": "R"}]}`, /^line 4: rows\.0\.may: '\*' stands for/],
    [`{"rows": [\n{\n"id": "r", "who": ["anyone"], "label": "R"}]}`, /^line 2: rows\.0\.may: /],
    [`{"rows": [\n\n${row({ until: 'tomorrow' })}]}`, /^line 3: rows\.0\.until: expected a date/],
    [`{"rows": [\n\n${row({ until: '2027-02-31T99:00Z' })}]}`, /^line 3: rows\.0\.until: there is no such date/],
    [`{"rows": [\n\n${row({ until: [] })}]}`, /^line 3: rows\.0\.until: /],
    [`{"rows": [\n\n${row({ until: null })}]}`, /^line 3: rows\.0\.until: /],
    ['{"tests": [\n{"who": "lobby", "may": "relay.hop"}]}', /^line 2: tests\.0\.expect: /],
    ['{"tests": [\n{"who": "lobby", "may": "relay.hop", "expect": "yes"}]}', /^line 2: tests\.0\.expect: /],
    [
      '{"tests": [\n{"who": ["lobby"], "may": "relay.hop", "expect": "allow"}]}',
      /^line 2: tests\.0: test 1 expects allow for relay\.hop, but the rows deny it: No row/,
    ],
    [
      '{"tests": [\n\n{"who": "member", "may": "relay.hop", "expect": "deny"}]}',
      /^line 3: tests\.0: test 1 expects deny for relay\.hop, but the rows allow it: "Members" allows it\./,
    ],
  ]
  for (const [text, message] of cases) {
    assert.throws(
      () => readAccessText(text, defaults, 0),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'BAD_CONFIG', text)
        assert.match(error.message, message, text)
        return true
      },
    )
  }
})

test('openAccessFile() answers by the defaults without a file, and by the file as soon as there is one', async () => {
  const path = await fresh()
  const file = await open(path)
  assert.equal(may(file, 'member'), true)
  assert.equal(file.problem(), undefined)
  let told = 0
  file.onChange(() => told++)
  await writeFile(path, denyAna)
  await waitUntil(() => !may(file, 'member'), { what: 'the new rows' })
  await waitUntil(() => told === 1, { what: 'the listener' })
})

test('openAccessFile() sees a file that an editor renames over the old one, and one behind a switched link', async () => {
  const path = await fresh('{}')
  const file = await open(path)
  await writeFile(`${path}.new`, denyAna)
  await rename(`${path}.new`, path)
  await waitUntil(() => !may(file, 'member'), { what: 'the renamed file' })

  const mounted = await fresh()
  const [old, next, link] = [`${mounted}.old`, `${mounted}.next`, join(mounted, '..', '..data')]
  await writeFile(old, '{}')
  await writeFile(next, denyAna)
  await symlink(old, link)
  await symlink('..data', mounted)
  const volume = await open(mounted)
  assert.equal(may(volume, 'member'), true)
  await symlink(next, `${link}_tmp`)
  await rename(`${link}_tmp`, link)
  await waitUntil(() => !may(volume, 'member'), { what: 'the file behind the switched link' })
})

test('openAccessFile() keeps the old rows and says why when the new file is wrong, fails its own tests or is gone', async () => {
  const path = await fresh(denyAna)
  const file = await open(path)
  let told = 0
  file.onChange(() => told++)
  const broken: readonly (readonly [string, RegExp])[] = [
    ['{\n"rows": [', /line 2: /],
    ['{"defaults": true,\n "tests": [{"who": "member", "may": "relay.hop", "expect": "deny"}]}', /line 2: tests\.0/],
    ['', /line 1: the file ends here/],
  ]
  for (const [text, message] of broken) {
    await writeFile(path, text)
    await waitUntil(() => message.test(file.problem()?.message ?? ''), { what: String(message) })
    assert.equal(file.problem()?.code, 'BAD_CONFIG')
    assert.equal(may(file, 'member'), false)
  }
  await rm(path)
  await assert.rejects(file.reload(), { code: 'BAD_CONFIG', message: /is gone/ })
  assert.equal(may(file, 'member'), false)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, 0)
  await writeFile(path, denyAna)
  await waitUntil(() => file.problem() === undefined, { what: 'the repaired file' })
  assert.equal(may(file, 'member'), false)
})

test('openAccessFile() refuses to start with a file that is wrong or that everybody can change', async () => {
  await assert.rejects(open(await fresh('{')), { code: 'BAD_CONFIG' })
  const path = await fresh('{}')
  await chmod(path, 0o666)
  await assert.rejects(open(path), { code: 'PERMISSION_DENIED', message: /chmod o-w/ })
  await chmod(path, 0o664)
  assert.equal(may(await open(path), 'member'), true)
  await assert.rejects(open(await fresh(`{}${' '.repeat(1_100_000)}`)), { code: 'BAD_CONFIG' })
  await assert.rejects(open(root), { code: 'BAD_CONFIG' })
})

test('reload() applies at once, tells the listeners only of a change, and counts the last of many writes', async () => {
  const path = await fresh('{}')
  const file = await open(path)
  let told = 0
  file.onChange(() => told++)
  await file.reload()
  assert.equal(told, 0, 'the same text')
  const writes = Array.from({ length: 5 }, async (_, i) => {
    await writeFile(path, i === 4 ? denyAna : '{ }')
    await file.reload()
  })
  await Promise.allSettled(writes)
  await writeFile(path, denyAna)
  await file.reload()
  assert.equal(may(file, 'member'), false)
})

test('put() and remove() say that the file is the place for changes', async () => {
  const file = await open(await fresh())
  await assert.rejects(file.put(defaults[0] as PolicyRow), { code: 'NOT_SUPPORTED', message: /access\.json/ })
  await assert.rejects(file.remove('member'), { code: 'NOT_SUPPORTED' })
})

test('close() ends the watching', async () => {
  const path = await fresh('{}')
  const file = await open(path)
  const other = await open(path)
  file.close()
  file.close()
  await writeFile(path, denyAna)
  await waitUntil(() => !may(other, 'member'), { what: 'the one that still watches' })
  assert.equal(may(file, 'member'), true)
})

test('the default rows of a relay pass the tests an owner would write', () => {
  const tests = [
    { who: 'anyone', may: 'relay.hop', expect: 'deny' },
    { who: 'lobby', may: 'relay.hop', to: ANA, expect: 'allow' },
    { who: 'member', may: 'presence.join', expect: 'allow' },
    { who: 'lobby', may: 'file.offer', expect: 'deny' },
  ]
  readAccessText(JSON.stringify({ tests }), defaultRows('relay', true), 0)
  assert.throws(() => readAccessText(JSON.stringify({ tests }), defaultRows('relay', false), 0), /test 2 expects allow/)
})

test('the access.json of the README is right', async () => {
  const readme = await readFile(new URL('../../../src/access/README.md', import.meta.url), 'utf8')
  const example = /```jsonc\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no example')
  const rows = readAccessText(example, [...linkRows(), ...defaultRows('relay', true)], BEFORE)
  assert.equal(rows.at(-1)?.label, 'Ana')
})
