/** Blobs of files on the disk: right at sizes above 4 GiB, in every slice, and an error once the file changed. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { joinBlobs, openDiskBlob } from '../../../src/storage/disk-blob.node.ts'
import { patternBytes } from '../../contract/file-store.ts'

describe('disk blobs', () => {
  const dir = mkdtempSync(join(tmpdir(), 'dmesh-blob-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('a file of more than 4 GiB has its size, and its last bytes are where they are', async () => {
    const path = join(dir, 'large')
    const size = 5 * 2 ** 30
    const file = await open(path, 'w')
    await file.write(Uint8Array.of(1, 2, 3), 0, 3, size - 3)
    await file.close()
    const blob = await openDiskBlob(path)
    assert.equal(blob.size, size)
    assert.deepEqual(new Uint8Array(await blob.slice(size - 4).arrayBuffer()), Uint8Array.of(0, 1, 2, 3))
    assert.deepEqual(
      new Uint8Array(
        await blob
          .slice(2 ** 32)
          .slice(-4, -1)
          .arrayBuffer(),
      ),
      Uint8Array.of(0, 1, 2),
    )
    truncateSync(path)
  })

  it('slices as a Blob does, whatever it is joined of', async () => {
    const path = join(dir, 'small')
    const bytes = patternBytes(1_000, 4)
    writeFileSync(path, bytes)
    const joined = joinBlobs([new Uint8Array([9, 8]), await openDiskBlob(path), new Blob(['text'])], 'a/b')
    const plain = new Blob([new Uint8Array([9, 8]), bytes, 'text'], { type: 'a/b' })
    assert.deepEqual([joined.size, joined.type, joined instanceof Blob], [plain.size, plain.type, true])
    const bound = fc.option(fc.integer({ min: -1_100, max: 1_100 }), { nil: undefined })
    const check = async (start: number | undefined, end: number | undefined) =>
      assert.deepEqual(await joined.slice(start, end).arrayBuffer(), await plain.slice(start, end).arrayBuffer())
    await fc.assert(fc.asyncProperty(bound, bound, check), { numRuns: 200 })
  })

  it('a file that changed, or became shorter, is SOURCE_CHANGED', async () => {
    const path = join(dir, 'changing')
    writeFileSync(path, patternBytes(1_000))
    const blob = await openDiskBlob(path)
    writeFileSync(path, patternBytes(10))
    await assert.rejects(blob.slice(500).stream().getReader().read(), { code: 'SOURCE_CHANGED' })
  })
})
