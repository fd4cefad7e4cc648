/** Where received files end up: never outside the directory, never over something that stands there, never half. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { saveFile } from '../../../relay-server/commands/save-file.ts'
import { codeOf } from '../../../src/shared/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'dmesh-save-'))
after(() => rmSync(root, { recursive: true, force: true }))
const signal = new AbortController().signal
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const save = (name: string, dir: string, text = 'theirs') =>
  saveFile({ id: 'abc', name, size: Buffer.byteLength(text), sha256: hashOf(text) }, Readable.from([Buffer.from(text)]), dir, signal)

test('saveFile() stays in the directory whatever the name is, and hides nothing', async () => {
  let n = 0
  const hostile = [
    '../../up.txt',
    '/etc/passwd',
    '..',
    '.',
    '',
    '.ssh',
    'a/b',
    'a\\b',
    'x\u0000y',
    '\u202egpj.exe',
    'con',
    'a\nb',
    `${'é'.repeat(300)}.pdf`,
  ]
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' })), async (name) => {
      const dir = join(root, `names-${n++}`)
      const path = await save(name, dir)
      assert.equal(dirname(path), dir)
      assert.deepEqual(readdirSync(dir), [path.slice(dir.length + 1)])
      assert.ok(!readdirSync(dir)[0]?.startsWith('.'))
      assert.equal(readFileSync(path, 'utf8'), 'theirs')
    }),
    { numRuns: 200 },
  )
})

test('saveFile() takes another name where one is taken, be it a file, a directory or a link', async () => {
  const dir = join(root, 'taken')
  mkdirSync(join(dir, 'a.tar.gz'), { recursive: true })
  writeFileSync(join(dir, 'b.txt'), 'mine')
  writeFileSync(join(root, 'target.txt'), 'mine')
  symlinkSync(join(root, 'target.txt'), join(dir, 'c.txt'))
  symlinkSync(join(root, 'nowhere.txt'), join(dir, 'd.txt'))
  assert.equal(await save('a.tar.gz', dir), join(dir, 'a.tar (1).gz'))
  assert.equal(await save('b.txt', dir), join(dir, 'b (1).txt'))
  assert.equal(await save('b.txt', dir), join(dir, 'b (2).txt'))
  assert.equal(await save('c.txt', dir), join(dir, 'c (1).txt'))
  assert.equal(await save('d.txt', dir), join(dir, 'd (1).txt'))
  assert.equal(readFileSync(join(dir, 'b.txt'), 'utf8') + readFileSync(join(root, 'target.txt'), 'utf8'), 'minemine')
  assert.ok(!existsSync(join(root, 'nowhere.txt')))
})

test('saveFile() leaves nothing of what is not whole, or not what was received', async () => {
  const dir = join(root, 'half')
  const info = { id: 'abc', name: 'x', size: 6, sha256: hashOf('theirs') }
  const failing = (content: Readable) => assert.rejects(saveFile(info, content, dir, signal), (error) => codeOf(error) === 'VERIFY_FAILED')
  await failing(Readable.from([Buffer.from('their')]))
  await failing(Readable.from([Buffer.from('other!')]))
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('the')
      throw new Error('gone')
    })(),
  )
  await assert.rejects(saveFile(info, broken, dir, signal))
  assert.deepEqual(readdirSync(dir), [])
})
