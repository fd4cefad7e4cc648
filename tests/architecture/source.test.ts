/** Every source file keeps the house rules of tools/source-rules.mjs, and every rule is proven by a fixture that breaks it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { root } from '../../tools/say.mjs'
import { listSources } from '../../tools/source-files.mjs'
import { checkSource, MAX_FILE_LINES, MAX_FUNCTION_LINES, RULES } from '../../tools/source-rules.mjs'

const HEAD = '/** A fixture. */\n'

test('every source file keeps the house rules', () => {
  const files = listSources(root)
  assert.ok(files.length > 50, `only ${files.length} source files were found`)
  const problems = files.flatMap((path) => checkSource(path, readFileSync(join(root, path), 'utf8')))
  assert.deepEqual(problems, [])
})

/** rule → a file that breaks it, and nothing else */
const BROKEN: Record<keyof typeof RULES, readonly [path: string, text: string][]> = {
  name: [
    ['src/core/utils.ts', HEAD],
    ['src/core/index.ts', HEAD],
    ['src/core/MyThing.ts', HEAD],
    ['src/core/my.thing.ts', HEAD],
  ],
  docComment: [
    ['src/core/a.ts', 'export const a = 1\n'],
    ['src/core/a.ts', '// a\nexport const a = 1\n'],
    ['src/core/a.ts', '/** */\nexport const a = 1\n'],
  ],
  fileLength: [['src/core/a.ts', HEAD + '// line\n'.repeat(MAX_FILE_LINES)]],
  functionLength: [
    ['src/core/a.ts', `${HEAD}export function f() {\n${'  void 0\n'.repeat(MAX_FUNCTION_LINES)}}\n`],
    ['src/core/a.ts', `${HEAD}export const o = {\n  m() {\n${'    void 0\n'.repeat(MAX_FUNCTION_LINES)}  },\n}\n`],
    ['src/core/a.ts', `${HEAD}export const f = () => {\n  const g = () => {\n    void 1\n  }\n${'  g()\n'.repeat(MAX_FUNCTION_LINES)}}\n`],
  ],
  noDefaultExport: [
    ['src/core/a.ts', `${HEAD}export default 1\n`],
    ['src/core/a.ts', `${HEAD}export default function f() {}\n`],
  ],
  noReExport: [['src/core/a.ts', `${HEAD}export * from './b.ts'\n`]],
  noImportEffects: [['src/core/a.ts', `${HEAD}addEventListener('x', () => undefined)\n`]],
  noConsole: [['src/core/a.ts', `${HEAD}export const f = () => console.log(1)\n`]],
  noProtocolIds: [['src/core/a.ts', `${HEAD}export const id = '/dmesh/echo/1.0.0'\n`]],
  noExcuses: [
    ['src/core/a.ts', `${HEAD}// TODO later\n`],
    ['src/core/a.ts', `${HEAD}// @ts-ignore\nexport const a: string = 1\n`],
  ],
}

for (const [rule, cases] of Object.entries(BROKEN)) {
  test(`${rule} finds what it is for`, () => {
    for (const [path, text] of cases) {
      const found = checkSource(path, text)
      assert.equal(found.length, 1, `${path}:\n${text.slice(0, 200)}\nfound ${JSON.stringify(found)}`)
      const source = RULES[rule]
      assert.ok(source, `no rule ${rule}`)
    }
  })
}

test('every rule has a fixture', () => {
  assert.deepEqual(Object.keys(BROKEN).sort(), Object.keys(RULES).sort())
})

test('rules leave good files alone', () => {
  const factory = `${HEAD}export function createThing() {\n  const inner = () => {\n${'    void 0\n'.repeat(30)}  }\n  const other = () => {\n${'    void 0\n'.repeat(30)}  }\n  return { inner, other }\n}\n`
  assert.deepEqual(checkSource('src/core/create-thing.ts', factory), [])
  assert.deepEqual(checkSource('tools/say.mjs', `#!/usr/bin/env node\n${HEAD}`), [])
  assert.deepEqual(checkSource('tests/contract/record-store.memory.test.ts', HEAD), [])
  assert.deepEqual(checkSource('src/core/log-level.ts', `${HEAD}export const level = { console: 1 }\n`), [])
})
