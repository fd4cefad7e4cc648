/** The data directory: private, one relay at a time, and free again after a crash. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { takeDataDir } from '../../../relay-server/data-dir.ts'
import { codeOf } from '../../../src/shared/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'dmesh-data-'))
after(() => rmSync(root, { recursive: true, force: true }))

function refused(path: string, pattern: RegExp) {
  assert.throws(
    () => takeDataDir(path),
    (error) => codeOf(error) === 'BAD_CONFIG' && pattern.test((error as Error).message),
  )
}

test('takeDataDir makes it 0700 and gives it to one at a time', () => {
  const path = join(root, 'a', 'b')
  const taken = takeDataDir(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  refused(path, new RegExp(`^Another relay \\(process ${process.pid}\\) uses`))
  taken.release()
  taken.release()
  takeDataDir(path).release()
  assert.equal(existsSync(join(path, 'relay.lock')), false)
})

test('takeDataDir takes over what a crash left, also when the process number lives on', () => {
  const path = join(root, 'crashed')
  for (const left of ['{"pid":999999999,"started":"1"}', `{"pid":${process.pid},"started":"1"}`, '', '{"pid":-1}']) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    writeFileSync(join(path, 'relay.lock'), left)
    takeDataDir(path).release()
  }
})

test('takeDataDir closes an empty directory of its own and refuses one with files that others can enter', () => {
  const empty = join(root, 'empty')
  mkdirSync(empty)
  chmodSync(empty, 0o755)
  takeDataDir(empty).release()
  assert.equal(statSync(empty).mode & 0o777, 0o700)
  const full = join(root, 'full')
  mkdirSync(full)
  writeFileSync(join(full, 'letter.txt'), '')
  chmodSync(full, 0o755)
  refused(full, /chmod 700/)
  assert.equal(statSync(full).mode & 0o777, 0o755)
})

test('a directory belongs to a relay or to a terminal peer for ever', () => {
  const path = join(root, 'peer')
  takeDataDir(path, 'peer').release()
  refused(path, /belongs to a terminal peer/)
  takeDataDir(path, 'peer').release()
  const old = join(root, 'old')
  mkdirSync(old, { mode: 0o700 })
  writeFileSync(join(old, 'identity.json'), '{}')
  assert.throws(() => takeDataDir(old, 'peer'), /belongs to a relay/)
  takeDataDir(old).release()
})

test('takeDataDir says what is wrong with a path that is no directory', () => {
  writeFileSync(join(root, 'file'), '')
  refused(join(root, 'file', 'sub'), /cannot be used \(ENOTDIR\)/)
})
