/** What an access.json may not do: shut the owner out, contradict itself, or speak of rights that do not exist. The rows before stay in force. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openAccessFile } from '../../../src/access/access-file.node.ts'
import { readAccessFile } from '../../../src/access/access-text.ts'
import { CAPABILITIES } from '../../../src/access/capabilities.ts'
import { parseRow } from '../../../src/access/row-schema.ts'
import { defaultRows } from '../../../src/access/rows.ts'
import { linkRows } from '../../../src/mesh/link-rows.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'

const ANA = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const defaults = [...linkRows(), ...defaultRows('relay', true)]
const owners = [`peer:${ANA}`]
const deny = (over: object) => ({ id: 'no', who: ['anyone'], may: ['relay.hop'], effect: 'deny', label: 'No', ...over })
const allow = (over: object) => ({ id: 'yes', who: ['lobby'], may: ['relay.hop'], label: 'Yes', ...over })

function codeOfFile(file: object, before: readonly string[] = []): string {
  try {
    readAccessFile(JSON.stringify(file), defaults, 0, before)
    return 'applied'
  } catch (error) {
    return codeOf(error)
  }
}

const cases: readonly (readonly [about: string, file: object, code: string])[] = [
  ['an owner beside the defaults', { owners }, 'applied'],
  ['a deny for somebody else', { owners, rows: [deny({ who: [`peer:${ANA.slice(0, -1)}K`], may: ['*'] })] }, 'applied'],
  ['no defaults and no rows', { owners, defaults: false }, 'ACCESS_LOCKOUT'],
  ['a deny of everything', { owners, rows: [deny({ may: ['*'] })] }, 'ACCESS_LOCKOUT'],
  ['a deny of the lobby, where the owner is too', { owners, rows: [deny({ who: ['lobby'] })] }, 'ACCESS_LOCKOUT'],
  ['a deny of the owner', { owners, rows: [deny({ who: owners, may: ['relay.reserve'] })] }, 'ACCESS_LOCKOUT'],
  ['a deny of everything where nobody is named owner', { rows: [deny({ may: ['*'] })] }, 'applied'],
  ['an owner that is no key', { owners: ['anyone'] }, 'BAD_CONFIG'],
  ['a right that does not exist', { rows: [allow({ may: ['relay.hopp'] })] }, 'UNKNOWN_CAPABILITY'],
  ['a test of a right that does not exist', { tests: [{ who: 'lobby', may: 'gateway', expect: 'deny' }] }, 'UNKNOWN_CAPABILITY'],
  ['the name of something every object has', { rows: [allow({ may: ['constructor'] })] }, 'UNKNOWN_CAPABILITY'],
  ['an allow that a deny makes void', { rows: [allow({}), deny({})] }, 'GRANT_CONTRADICTS'],
  ['an allow for two, one of them denied', { rows: [allow({ who: ['lobby', 'member'] }), deny({ who: ['member'] })] }, 'GRANT_CONTRADICTS'],
  ['a deny on one target only', { rows: [allow({}), deny({ to: ['x'] })] }, 'applied'],
  ['an allow on the target that is denied', { rows: [allow({ to: ['x'] }), deny({ to: ['x', 'y'] })] }, 'GRANT_CONTRADICTS'],
  ['a deny that ends before the allow', { rows: [allow({ until: 10 }), deny({ until: 5 })] }, 'applied'],
]
for (const [about, file, code] of cases) test(`an access.json with ${about}: ${code}`, () => assert.equal(codeOfFile(file), code))

test('owners are not forgotten by a slip: dropping them has to be written down', () => {
  assert.equal(codeOfFile({}, [ANA]), 'ACCESS_LOCKOUT')
  assert.equal(codeOfFile({ owners: [] }, [ANA]), 'applied')
  assert.throws(() => readAccessFile('{}', defaults, 0, [ANA]), /line 1: the file named 1 owner and names none now/)
})

test('a file that locks the owner out leaves the old one in force while the relay runs', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dmesh-lockout-'))
  after(() => rm(dir, { recursive: true }))
  const path = join(dir, 'access.json')
  await writeFile(path, JSON.stringify({ owners }))
  const file = await openAccessFile({ path, defaults, clock: systemClock(), log: silentLog() })
  after(file.close)
  const asks = () => file.decide({ peer: ANA, roles: ['own'] }, 'relay.hop', '*', { startsLastMinute: 0, concurrent: 0 }, 0).allow
  await writeFile(path, JSON.stringify({ owners, rows: [deny({ may: ['*'] })] }))
  await assert.rejects(file.reload(), { code: 'ACCESS_LOCKOUT', message: /lock the owner .* out of link\.identify: "No" denies/ })
  assert.equal(file.problem()?.code, 'ACCESS_LOCKOUT')
  assert.equal(asks(), true)
  assert.deepEqual([...file.owners()], [ANA])
})

test('a row for a right that does not exist is refused by its own code', () => {
  assert.throws(() => parseRow(allow({ may: ['relay.fly'] })), {
    code: 'UNKNOWN_CAPABILITY',
    message: /no capability "relay\.fly"; there are message\.send/,
  })
})

test('the schema for editors names the capabilities of the registry, and every default row uses them', async () => {
  const schema = JSON.parse(await readFile(new URL('../../../relay-server/access.schema.json', import.meta.url), 'utf8'))
  assert.deepEqual(schema.$defs.may.enum, ['*', ...Object.keys(CAPABILITIES)])
  for (const row of [...linkRows(), ...defaultRows('peer', true), ...defaultRows('relay', true)]) parseRow(row)
})
