/** The SQLite store keeps the RecordStore contract, its file mode and its promise about a full disk. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { RecordStore } from '../../src/core/stores.ts'
import { openSqliteRecords } from '../../src/storage/sqlite.node.ts'
import { noSmallDisk, withSmallDisk } from '../support/small-disk.ts'
import { recordStoreCases } from './record-store.ts'

describe('openSqliteRecords', () => {
  for (const { name, run } of recordStoreCases) {
    it(name, () =>
      withDirectory(async (directory) => {
        const path = join(directory, 'records.db')
        let store: RecordStore = await openSqliteRecords(path)
        try {
          await run(store, async () => {
            await store.close()
            store = await openSqliteRecords(path)
            return store
          })
        } finally {
          await store.close()
        }
      }),
    )
  }

  it('makes every file of its own 0600', () =>
    withDirectory(async (directory) => {
      const store = await openSqliteRecords(join(directory, 'deep', 'records.db'))
      await store.put('setting', 'a', 1)
      for (const name of await readdir(join(directory, 'deep'))) {
        assert.equal((await stat(join(directory, 'deep', name))).mode & 0o777, 0o600, name)
      }
      await store.close()
    }))

  it('fails with STORAGE_FAILED on a file that is no database', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'records.db')
      await writeFile(path, 'this is not a database, whatever its name says, and it is long enough')
      await assert.rejects(openSqliteRecords(path), { code: 'STORAGE_FAILED' })
    }))

  it('fails with BAD_ARGUMENT on values that JSON cannot hold', () =>
    withDirectory(async (directory) => {
      const store = await openSqliteRecords(join(directory, 'records.db'))
      for (const value of [undefined, () => 1, new Map(), Number.NaN, { a: Symbol('x') }]) {
        await assert.rejects(store.put('setting', 'a', value), { code: 'BAD_ARGUMENT' })
      }
      await store.close()
    }))

  it('fails with STORAGE_FULL on a full disk and keeps what was there', { skip: noSmallDisk() }, () =>
    withSmallDisk(1, async (directory) => {
      const store = await openSqliteRecords(join(directory, 'records.db'))
      await store.put('setting', 'kept', 'yes')
      await assert.rejects(store.put('setting', 'big', 'x'.repeat(2_000_000)), { code: 'STORAGE_FULL' })
      assert.equal(await store.get('setting', 'kept'), 'yes')
      assert.equal(await store.get('setting', 'big'), undefined)
      await store.close()
    }),
  )
})

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dmesh-sqlite-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
