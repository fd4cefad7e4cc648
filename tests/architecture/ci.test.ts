/** `.ci/run` adds up what its stages say, goes on to the end, and never calls a silent or broken stage well. Its stages are played by a stand-in for npm. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { root } from '../../tools/say.mjs'

const made: string[] = []
after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

/** What a stage prints and how it ends, by the script's name: shell text. */
type Stages = Readonly<Record<'check' | 'test', string>> & Readonly<Partial<Record<'test:interop', string>>>

function runCi(stages: Stages) {
  const base = mkdtempSync(join(tmpdir(), 'dmesh-ci-'))
  made.push(base)
  mkdirSync(join(base, '.ci'))
  mkdirSync(join(base, 'bin'))
  cpSync(join(root, '.ci', 'run'), join(base, '.ci', 'run'))
  if (stages['test:interop']) {
    mkdirSync(join(base, 'tests', 'interop'), { recursive: true })
    writeFileSync(join(base, 'tests', 'interop', 'a.test.ts'), '')
  }
  const cases = Object.entries(stages).map(([name, text]) => `*" ${name} "*) ${text};;`)
  writeFileSync(join(base, 'bin', 'npm'), `#!/bin/sh\ncase " $* " in\n${cases.join('\n')}\n*) echo "unknown: $*"; exit 99;;\nesac\n`)
  chmodSync(join(base, 'bin', 'npm'), 0o755)
  const env = { ...process.env, PATH: `${join(base, 'bin')}${delimiter}${process.env.PATH}` }
  const { status, stdout } = spawnSync('bash', [join(base, '.ci', 'run')], { encoding: 'utf8', env, cwd: tmpdir() })
  return { status, last: stdout.trimEnd().split('\n').pop(), stdout }
}

test('.ci/run adds the stages up', () => {
  const { status, last, stdout } = runCi({
    check: 'echo "8 passed, 0 failed"',
    test: 'echo "90 passed, 0 failed, 2 skipped"',
    'test:interop': 'echo "3 passed, 0 failed"',
  })
  assert.deepEqual({ status, last }, { status: 0, last: '101 passed, 0 failed' })
  assert.match(stdout, /2 skipped/)
})

test('.ci/run goes on after a stage that failed', () => {
  const { status, last } = runCi({ check: 'echo "7 passed, 1 failed"; exit 1', test: 'echo "5 passed, 2 failed"; exit 1' })
  assert.deepEqual({ status, last }, { status: 1, last: '12 passed, 3 failed' })
})

test('.ci/run counts a stage that says nothing, or ends badly without saying why', () => {
  assert.deepEqual(runCi({ check: 'exit 1', test: 'echo "5 passed, 0 failed"' }).last, '5 passed, 1 failed')
  assert.deepEqual(runCi({ check: 'echo hello', test: 'echo "5 passed, 0 failed"' }).last, '5 passed, 1 failed')
  const crashed = runCi({ check: 'echo "1 passed, 0 failed"', test: 'echo "5 passed, 0 failed"; exit 7' })
  assert.deepEqual({ status: crashed.status, last: crashed.last }, { status: 1, last: '6 passed, 1 failed' })
})
