/** The disk store keeps the FileStore contract, its file modes, and what a full disk took. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDiskFiles } from '../../src/storage/disk-files.node.ts'
import { noSmallDisk, withSmallDisk } from '../support/small-disk.ts'
import { fileStoreCases, patternBytes, resumeCases } from './file-store.ts'

describe('openDiskFiles', () => {
  for (const { name, run } of [...fileStoreCases, ...resumeCases]) {
    it(name, () =>
      withDirectory(async (directory) => {
        const store = await openDiskFiles(directory)
        await run(store)
        await store.close()
      }),
    )
  }

  it('resumes after a restart', () =>
    withDirectory(async (directory) => {
      const first = await openDiskFiles(directory)
      const sink = await first.create('again')
      await sink.write(patternBytes(300_000))
      await first.close()
      const second = await openDiskFiles(directory)
      assert.equal((await second.create('again', { resume: true })).offset, 262_144)
      await second.close()
    }))

  it('makes the directory 0700 and files 0600', () =>
    withDirectory(async (parent) => {
      const directory = join(parent, 'files')
      const store = await openDiskFiles(directory)
      const sink = await store.create('a')
      await sink.write(patternBytes(300_000))
      assert.equal((await stat(join(directory, 'a.part'))).mode & 0o777, 0o600)
      await sink.finish()
      assert.equal((await stat(join(directory, 'a'))).mode & 0o777, 0o600)
      assert.equal((await stat(directory)).mode & 0o777, 0o700)
      await store.close()
    }))

  it(
    'fails with STORAGE_FULL on a full disk, keeps what was written, goes on once there is space, and takes the next file',
    { skip: noSmallDisk() },
    () =>
      withSmallDisk(4, async (directory) => {
        const store = await openDiskFiles(directory)
        const sink = await store.create('big')
        await assert.rejects(
          async () => {
            for (let i = 0; i < 100; i++) await sink.write(patternBytes(300_000, i))
          },
          { code: 'STORAGE_FULL' },
        )
        await assert.rejects(sink.finish(), { code: 'STORAGE_FULL' })
        await sink.release()
        const filler = join(directory, 'filler')
        assert.deepEqual(await readdir(directory), ['big.part'])
        const kept = await store.create('big', { resume: true })
        assert.ok(kept.offset > 2_000_000 && kept.offset % 262_144 === 0, `${kept.offset} bytes were kept`)
        await kept.discard()
        assert.deepEqual(await readdir(directory), [])
        await writeFile(filler, patternBytes(2_500_000))
        const half = await store.create('half')
        await half.write(patternBytes(1_000_000))
        await assert.rejects(
          async () => {
            for (let i = 0; i < 10; i++) await half.write(patternBytes(300_000))
          },
          { code: 'STORAGE_FULL' },
        )
        await half.release()
        await rm(filler)
        const rest = await store.create('half', { resume: true })
        await rest.write(patternBytes(1_000_000))
        assert.equal((await rest.finish()).size, rest.offset + 1_000_000)
        await store.remove('half')
        const next = await store.create('next')
        await next.write(patternBytes(3_000_000))
        assert.equal((await next.finish()).size, 3_000_000)
        await store.close()
      }),
  )
})

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dmesh-files-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
