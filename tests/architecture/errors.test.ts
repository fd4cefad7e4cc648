/** Every error code stands in docs/errors.md with what to do about it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { ERRORS } from '../../src/shared/error-fixes.ts'
import { renderCapabilities, renderErrors } from '../../tools/docs.mjs'
import { root } from '../../tools/say.mjs'
import { listSources } from '../../tools/source-files.mjs'

test('docs/errors.md is what the table of codes says', () => {
  assert.equal(readFileSync(join(root, 'docs', 'errors.md'), 'utf8'), renderErrors(), 'run: npm run docs')
  assert.equal(readFileSync(join(root, 'docs', 'capabilities.md'), 'utf8'), renderCapabilities(), 'run: npm run docs')
})

test('every code has a fix that is a sentence', () => {
  const bad = Object.entries(ERRORS).filter(([, { fix }]) => !/^[A-Z].{10,}[^\s]$/.test(fix))
  assert.deepEqual(bad, [])
})

test('every code is used somewhere', () => {
  const all = listSources(root)
    .filter((path) => /^(src|workers|relay-server)\//.test(path) && path !== 'src/shared/errors.ts')
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n')
  const home = readFileSync(join(root, 'src/shared/errors.ts'), 'utf8').split('export type ErrorCode')[1] ?? ''
  const unused = Object.keys(ERRORS).filter((code) => !`${all}${home}`.includes(`'${code}'`))
  assert.deepEqual(unused, [], 'a code nobody throws is a promise nobody keeps')
})
