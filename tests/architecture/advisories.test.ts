/** docs/advisories.md cannot lie: the tests it names exist, no row is without one or a reason, and the lock file holds nothing older than it says. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { root } from '../../tools/say.mjs'

const text = readFileSync(join(root, 'docs/advisories.md'), 'utf8')

/** Cells of the rows of the table whose header starts with `first`. */
function table(markdown: string, first: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${first} |`))
  const rows = lines.slice(start + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function missing(markdown: string): string[] {
  const named = [...markdown.matchAll(/`((?:src|relay-server|tests)\/[\w./-]+)`/g)].map(([, path]) => path ?? '')
  return named.filter((path) => !existsSync(join(root, path)))
}

test('every file that the list of advisories names exists', () => {
  assert.deepEqual(missing(text), [])
  assert.deepEqual(missing('`tests/mesh/no-such.test.ts`'), ['tests/mesh/no-such.test.ts'])
})

test('every advisory has a test, or a sentence that says why not', () => {
  const rows = table(text, 'published')
  assert.ok(rows.length >= 15)
  for (const [published, , proof = ''] of rows) assert.ok(/`tests\/[\w./-]+\.test\.ts`/.test(proof) || /^no .{10,}/.test(proof), published)
})

test('the lock file holds no version that the list says is too old', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version?: string }> }
  const rows = table(text, 'package')
  assert.ok(rows.length >= 4)
  for (const [cell = '', least = ''] of rows) {
    const name = cell.replaceAll('`', '')
    const held = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
    if (least === 'absent') assert.deepEqual(held, [], name)
    else assert.ok(held.length > 0 && held.every(([, { version = '' }]) => isAtLeast(version, least)), `${name} ${least}`)
  }
  assert.equal(isAtLeast('5.1.22', '5.1.23'), false)
  assert.equal(isAtLeast('5.10.0', '5.9.9'), true)
})

function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((one) => one.split('.').map(Number))
  for (const at of [0, 1, 2]) if (a?.[at] !== b?.[at]) return (a?.[at] ?? 0) > (b?.[at] ?? 0)
  return true
}
