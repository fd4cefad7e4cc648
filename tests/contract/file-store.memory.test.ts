/** The memory store keeps the FileStore contract and its cap. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryFiles } from '../../src/storage/memory.ts'
import { fileStoreCases, resumeCases } from './file-store.ts'

describe('createMemoryFiles', () => {
  for (const { name, run } of [...fileStoreCases, ...resumeCases]) {
    it(name, async () => {
      const store = createMemoryFiles()
      await run(store)
      await store.close()
    })
  }

  it('fails with STORAGE_FULL above its cap, keeps what it took until that is discarded, and takes the next file', async () => {
    const store = createMemoryFiles({ cap: 1_000_000 })
    const sink = await store.create('big')
    await assert.rejects(
      async () => {
        for (;;) await sink.write(new Uint8Array(300_000))
      },
      { code: 'STORAGE_FULL' },
    )
    await assert.rejects(sink.finish(), { code: 'STORAGE_FULL' })
    assert.deepEqual(await store.estimate(), { free: 100_000, used: 900_000 })
    await sink.discard()
    assert.deepEqual(await store.estimate(), { free: 1_000_000, used: 0 })
    const next = await store.create('small')
    await next.write(new Uint8Array(900_000))
    assert.equal((await next.finish()).size, 900_000)
  })
})
