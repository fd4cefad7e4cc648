/** The identity file: modes, races between processes, damage, and what its errors say. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { loadFileIdentity } from '../../../src/identity/file.node.ts'

const root = await mkdtemp(join(tmpdir(), 'dmesh-identity-'))
after(() => rm(root, { recursive: true }))
let count = 0
const fresh = () => join(root, `d${count++}`)
const mode = async (path: string) => (await stat(path)).mode & 0o777

test('loadFileIdentity() makes a 0600 file in a 0700 directory and finds it again', async () => {
  const dir = join(fresh(), 'deep')
  const first = await loadFileIdentity(dir)
  assert.equal(first.isNew, true)
  assert.equal(await mode(dir), 0o700)
  assert.equal(await mode(join(dir, 'identity.json')), 0o600)
  assert.deepEqual(await readdir(dir), ['identity.json'], 'no temporary file stays')
  const second = await loadFileIdentity(dir)
  assert.equal(second.isNew, false)
  assert.equal(second.peer, first.peer)
  assert.deepEqual(second.sealing, first.sealing)
})

test('loadFileIdentity() makes private files whatever the umask is', async () => {
  const dir = fresh()
  const before = process.umask(0)
  try {
    await loadFileIdentity(dir)
  } finally {
    process.umask(before)
  }
  assert.equal(await mode(dir), 0o700)
  assert.equal(await mode(join(dir, 'identity.json')), 0o600)
})

test('loadFileIdentity() gives racing processes and callers one key, new for exactly one', async () => {
  const dir = fresh()
  const program = `import { loadFileIdentity } from ${JSON.stringify(new URL('../../../src/identity/file.node.ts', import.meta.url).href)}
    const all = await Promise.all([loadFileIdentity(${JSON.stringify(dir)}), loadFileIdentity(${JSON.stringify(dir)})])
    process.stdout.write(JSON.stringify(all.map((identity) => [identity.peer, identity.isNew])))`
  const run = async () =>
    JSON.parse((await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout) as [string, boolean][]
  const all = (await Promise.all([run(), run(), run()])).flat()
  assert.equal(new Set(all.map(([peer]) => peer)).size, 1)
  assert.equal(all.filter(([, isNew]) => isNew).length, 1)
  assert.deepEqual(await readdir(dir), ['identity.json'])
})

for (const bad of [0o640, 0o604, 0o620, 0o660, 0o666, 0o644]) {
  test(`loadFileIdentity() refuses a file with mode ${bad.toString(8)} and says what to do`, async () => {
    const dir = fresh()
    await loadFileIdentity(dir)
    const path = join(dir, 'identity.json')
    await chmod(path, bad)
    await assert.rejects(loadFileIdentity(dir), (error: Error & { code: string }) => {
      assert.equal(error.code, 'PERMISSION_DENIED')
      assert.match(error.message, /chmod 600 /)
      assert.ok(error.message.includes(path))
      return true
    })
    await chmod(path, 0o400)
    assert.equal((await loadFileIdentity(dir)).isNew, false)
  })
}

for (const bad of [0o720, 0o702, 0o777]) {
  test(`loadFileIdentity() refuses a directory with mode ${bad.toString(8)}, with and without a file in it`, async () => {
    const dir = fresh()
    await mkdir(dir)
    await chmod(dir, bad)
    await assert.rejects(loadFileIdentity(dir), { code: 'PERMISSION_DENIED' })
    assert.deepEqual(await readdir(dir), [])
    await chmod(dir, 0o755)
    await loadFileIdentity(dir)
    await chmod(dir, bad)
    await assert.rejects(loadFileIdentity(dir), /chmod 700 /)
  })
}

test('loadFileIdentity() refuses a damaged file, names it, keeps it and quotes nothing of it', async () => {
  const dir = fresh()
  await loadFileIdentity(dir)
  const path = join(dir, 'identity.json')
  const good = await readFile(path, 'utf8')
  const document = JSON.parse(good) as { version: number; keys: [Record<string, string>, Record<string, string>] }
  const other = JSON.parse(
    await loadFileIdentity(fresh()).then(() => readFile(join(root, `d${count - 1}`, 'identity.json'), 'utf8')),
  ) as typeof document
  const [ed, x] = document.keys
  const cases: Readonly<Record<string, string>> = {
    empty: '',
    cut: good.slice(0, good.length / 2),
    // A parser's message quotes the beginning of such a text.
    'no JSON': `x${ed.d} is my key`,
    null: 'null',
    array: '[]',
    'newer version': JSON.stringify({ ...document, version: 2 }),
    'no keys': JSON.stringify({ version: 1 }),
    'no sealing key': JSON.stringify({ version: 1, keys: [ed] }),
    'null key': JSON.stringify({ version: 1, keys: [null, x] }),
    'public half only': JSON.stringify({ version: 1, keys: [{ ...ed, d: undefined }, x] }),
    'short secret': JSON.stringify({ version: 1, keys: [{ ...ed, d: ed.d?.slice(4) }, x] }),
    'halves of two keys': JSON.stringify({ version: 1, keys: [{ ...ed, x: other.keys[0].x }, x] }),
    'too large': `${good}${' '.repeat(20_000)}`,
  }
  for (const [about, text] of Object.entries(cases)) {
    await writeFile(path, text)
    await assert.rejects(
      loadFileIdentity(dir),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'BAD_CONFIG', about)
        assert.ok(error.message.includes(path), about)
        for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
          for (const secret of [ed.d, x.d]) assert.ok(!cause.message.includes((secret as string).slice(0, 8)), `${about}: quotes the key`)
        }
        return true
      },
      about,
    )
    assert.equal(await readFile(path, 'utf8'), text, about)
    assert.deepEqual(await readdir(dir), ['identity.json'], about)
  }
  await writeFile(path, good)
  assert.equal((await loadFileIdentity(dir)).isNew, false)
})

test('loadFileIdentity() says STORAGE_FAILED where no directory can be', async () => {
  const file = fresh()
  await writeFile(file, '')
  await assert.rejects(loadFileIdentity(join(file, 'below')), { code: 'STORAGE_FAILED' })
})
