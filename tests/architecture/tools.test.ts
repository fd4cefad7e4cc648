/** The tools are tested as well: a runner that counts wrongly or a stamp that never changes would make every other result worthless. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { measureBudgets, scriptImports } from '../../tools/budgets.mjs'
import { root } from '../../tools/say.mjs'
import { isNewEnough, whyNpm } from '../../tools/setup-node.mjs'
import { hashTree } from '../../tools/source-hash.mjs'
import { needsBrowser, selectTests } from '../../tools/test-files.mjs'

const made: string[] = []
after(() => made.forEach((path) => void rmSync(path, { recursive: true, force: true })))

function makeTree(files: Readonly<Record<string, string>>): string {
  const base = mkdtempSync(join(tmpdir(), 'dmesh-tools-'))
  made.push(base)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(base, path)), { recursive: true })
    writeFileSync(join(base, path), text)
  }
  return base
}

const TEST = "import test from 'node:test'\n"

/** The real runner in a repository of its own. */
function runTests(files: Readonly<Record<string, string>>, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const base = makeTree({ ...files, 'package.json': '{"type":"module"}' })
  cpSync(join(root, 'tools'), join(base, 'tools'), { recursive: true })
  const { DMESH_TEST_EVENTS, NODE_TEST_CONTEXT, ...outer } = process.env
  const { status, stdout } = spawnSync(process.execPath, [join(base, 'tools', 'test.mjs'), 'all', ...args], {
    encoding: 'utf8',
    env: { ...outer, CI: '', DMESH_PROBLEMS: '[]', ...env },
  })
  return { status, stdout, last: stdout.trimEnd().split('\n').pop() }
}

test('the runner counts what passed, failed and was skipped, and fails when something failed', () => {
  const { status, last, stdout } = runTests({
    'tests/unit/good.test.ts': `${TEST}test('a', () => {})\ntest('b', async (t) => { await t.test('c', () => {}) })\n`,
    'tests/unit/bad.test.ts': `${TEST}test('d', () => { throw new Error('this went wrong') })\ntest('e', { skip: 'no reason to run' }, () => {})\n`,
  })
  assert.equal(last, '3 passed, 1 failed, 1 skipped')
  assert.equal(status, 1)
  assert.match(stdout, /this went wrong/)
  assert.match(stdout, /skipped:\n {2}tests\/unit\/bad\.test\.ts: e: no reason to run/)
})

test('the runner ends well when all passed', () => {
  const { status, last } = runTests({ 'tests/unit/good.test.ts': `${TEST}test('a', () => {})\n` })
  assert.deepEqual({ status, last }, { status: 0, last: '1 passed, 0 failed' })
})

test('the runner fails when nothing ran, when a file holds no test, cannot be loaded, or dies', () => {
  assert.deepEqual(runTests({ 'tests/unit/a.test.ts': TEST }, ['tests/unit/zzz']).status, 1)
  assert.equal(runTests({ 'tests/unit/a.test.ts': '' }).last, '0 passed, 1 failed')
  assert.equal(runTests({ 'tests/unit/a.test.ts': "import './missing.ts'\n" }).last, '0 passed, 1 failed')
  assert.equal(runTests({ 'tests/unit/a.test.ts': `${TEST}test('a', () => {})\ntest('b', () => process.exit(3))\n` }).status, 1)
})

test('the runner says what happened after the tests had ended', () => {
  const late = `${TEST}test('a', () => { setTimeout(() => { throw new Error('too late') }, 20) })\n`
  const { status, last, stdout } = runTests({ 'tests/unit/a.test.ts': late })
  assert.deepEqual({ status, last }, { status: 1, last: '1 passed, 1 failed' })
  assert.match(stdout, /too late/)
})

test('the runner skips with the reason what this machine cannot run, and fails where it could have', () => {
  const files = { 'tests/e2e/a.test.ts': `${TEST}test('a', () => {})\n`, 'tests/unit/a.test.ts': `${TEST}test('a', () => {})\n` }
  const problem = (what: string) => JSON.stringify([{ what, why: 'it is not here.' }])
  const skipped = runTests(files, [], { DMESH_PROBLEMS: problem('chromium') })
  assert.deepEqual({ status: skipped.status, last: skipped.last }, { status: 0, last: '1 passed, 0 failed, 1 skipped' })
  assert.match(skipped.stdout, /it is not here\./)
  assert.equal(runTests(files, [], { DMESH_PROBLEMS: problem('build') }).last, '1 passed, 1 failed')
  if (process.getuid?.() === 0) assert.equal(runTests(files, [], { DMESH_PROBLEMS: problem('chromium'), CI: 'true' }).last, '1 passed, 1 failed')
})

test('the runner tells a suite that was skipped, whose tests are not told', () => {
  const text = `import { describe, it } from 'node:test'\ndescribe('a', { skip: 'needs root' }, () => { it('b', () => {}) })\n`
  const { status, last, stdout } = runTests({ 'tests/unit/a.test.ts': text, 'tests/unit/b.test.ts': `${TEST}test('a', () => {})\n` })
  assert.deepEqual({ status, last }, { status: 0, last: '1 passed, 0 failed, 1 skipped' })
  assert.match(stdout, /needs root/)
})

test('whyNpm says what to do when there is no network or no space, and nothing of what it does not know', () => {
  assert.match(whyNpm('npm error code EAI_AGAIN\nnpm error syscall getaddrinfo') ?? '', /network/)
  assert.match(whyNpm('npm error code ENOSPC') ?? '', /disk is full/)
  assert.equal(whyNpm('npm error code E404'), undefined)
})

test('selectTests puts every file into its runs', () => {
  const base = makeTree({
    'tests/unit/a.test.ts': '',
    'tests/unit/deep/b.test.ts': '',
    'tests/unit/c.long.test.ts': '',
    'tests/unit/fuzz.test.ts': 'process.env.FUZZ_RUNS',
    'tests/e2e/d.test.ts': '',
    'tests/interop/e.test.ts': '',
    'tests/interop-browser/f.test.ts': '',
    'tests/support/wait.ts': '',
  })
  const pick = (set: string, filters: string[] = []) => selectTests(base, set, filters).flatMap(({ files }) => files)
  assert.deepEqual(pick('all'), ['tests/unit/a.test.ts', 'tests/unit/deep/b.test.ts', 'tests/unit/fuzz.test.ts', 'tests/e2e/d.test.ts'])
  assert.deepEqual(pick('long'), ['tests/unit/c.long.test.ts', 'tests/unit/fuzz.test.ts'])
  assert.deepEqual(pick('interop'), ['tests/interop/e.test.ts', 'tests/interop-browser/f.test.ts'])
  assert.deepEqual(pick('all', ['tests/unit/deep']), ['tests/unit/deep/b.test.ts'])
  assert.deepEqual(pick('all', ['./tests/unit/a']), ['tests/unit/a.test.ts'])
  assert.equal(needsBrowser(base, 'all', ['tests/unit']), false)
  assert.equal(needsBrowser(base, 'all', []), true)
  assert.equal(needsBrowser(base, 'interop', ['tests/interop/e']), false)
})

test('hashTree changes with names and bytes, and only with them', () => {
  const base = makeTree({ 'src/a.ts': '1', 'src/deep/b.ts': '2' })
  const before = hashTree(base, ['src', 'gone.ts'])
  writeFileSync(join(base, 'src/a.ts'), '1')
  assert.equal(hashTree(base, ['src', 'gone.ts']), before)
  writeFileSync(join(base, 'src/a.ts'), '3')
  const changed = hashTree(base, ['src', 'gone.ts'])
  assert.notEqual(changed, before)
  writeFileSync(join(base, 'src/c.ts'), '')
  assert.notEqual(hashTree(base, ['src', 'gone.ts']), changed)
})

test('isNewEnough knows the oldest Node.js', () => {
  assert.deepEqual(['18.0.0', '20.20.2', '22.18.0', '22.19.0', '24.21.0', '26.0.0'].map(isNewEnough), [false, false, false, true, true, true])
})

test('measureBudgets follows what a browser would load and counts gzip', () => {
  const files = {
    'dist/index.html': '<link rel="stylesheet" href="/a.css"><link rel="icon" href="/i.svg"><script type="module" src="/assets/main.js"></script>',
    'dist/a.css': 'a{}',
    'dist/i.svg': 'x'.repeat(999),
    'dist/assets/main.js': "import{x}from'./dep.js';import('./webrtc-1.js');import('./late.js');x()",
    'dist/assets/dep.js': 'export const x=()=>1',
    'dist/assets/webrtc-1.js': 'export{}',
    'dist/assets/late.js': "import'./dep.js'",
  }
  const base = makeTree(files)
  const measure = (lazy: 'none' | 'all' | RegExp) => measureBudgets(base, [{ name: 'x', entry: 'index.html', cap: 1, lazy, why: '' }])[0]
  const first = ['index.html', 'a.css', 'assets/main.js', 'assets/dep.js']
  assert.deepEqual(new Set(measure('none')?.files), new Set(first))
  assert.deepEqual(new Set(measure(/webrtc/)?.files), new Set([...first, 'assets/late.js']))
  assert.deepEqual(new Set(measure('all')?.files), new Set([...first, 'assets/late.js', 'assets/webrtc-1.js']))
  const bytes = first.reduce((sum, path) => sum + gzipSync(files[`dist/${path}` as keyof typeof files], { level: 9 }).byteLength, 0)
  assert.equal(measure('none')?.bytes, bytes)
  assert.equal(measureBudgets(base, [{ name: 'y', entry: 'gone.js', cap: 1, lazy: 'all', why: '' }])[0]?.missing, 'dist/gone.js was not built')
})

test('scriptImports tells imports from import() and from text', () => {
  const text = "import a from './a.js';export*from'./b.js';const c=()=>import(`./c.js`);const d='import(\"./d.js\")'"
  assert.deepEqual(scriptImports(text), { needed: ['./a.js', './b.js'], later: ['./c.js'] })
})
