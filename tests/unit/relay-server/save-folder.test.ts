/** Received folders whose maker lies: nothing is written outside of the directory, over anything, or left behind. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, it } from 'node:test'
import { saveFolder } from '../../../relay-server/commands/save-folder.ts'
import { tarParts } from '../../../src/shared/tar.ts'

const { signal } = new AbortController()

describe('saveFolder', () => {
  const root = mkdtempSync(join(tmpdir(), 'dmesh-save-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  let count = 0
  const save = async (paths: readonly string[], more: { size?: number; name?: string } = {}) => {
    const dir = join(root, `dir-${count++}`)
    const bytes = new Uint8Array(await new Blob(tarParts(paths.map((path) => ({ path, blob: new Blob([path]), mtime: 0 })))).arrayBuffer())
    const saved = saveFolder({ id: 'abc', name: more.name ?? 'Photos', size: more.size ?? bytes.byteLength }, Readable.from([bytes]), dir, signal)
    return { dir, saved }
  }

  for (const path of ['Photos/../../evil', 'Photos/..', 'Photos', `Photos/${'a/'.repeat(70)}b`]) {
    it(`${path.slice(0, 30)}: BAD_FRAME, and nothing is left`, async () => {
      const { dir, saved } = await save([path])
      await assert.rejects(saved, { code: 'BAD_FRAME' })
      assert.deepEqual(readdirSync(dir), [])
    })
  }

  it('absolute paths, hidden names and those of devices are cleaned as names are', async () => {
    const { dir, saved } = await save(['/etc/passwd', 'Photos/.ssh/con'])
    assert.equal(await saved, join(dir, 'Photos'))
    assert.deepEqual(readdirSync(join(dir, 'Photos')).sort(), ['passwd', 'ssh'])
    assert.equal(readFileSync(join(dir, 'Photos', 'ssh', '_con'), 'utf8'), 'Photos/.ssh/con')
  })

  it('two files of one name: refused, and nothing is left', async () => {
    const { dir, saved } = await save(['Photos/a', 'Photos/a'])
    await assert.rejects(saved, { code: 'STORAGE_FAILED' })
    assert.deepEqual(readdirSync(dir), [])
  })

  it('other bytes than were received: VERIFY_FAILED, and nothing is left', async () => {
    const { dir, saved } = await save(['Photos/a'], { size: 7 })
    await assert.rejects(saved, { code: 'VERIFY_FAILED' })
    assert.deepEqual(readdirSync(dir), [])
  })

  it('what has the name already stays as it is', async () => {
    const { dir, saved } = await save(['Photos/a'])
    await saved
    writeFileSync(join(dir, 'Photos', 'a'), 'mine')
    const bytes = new Uint8Array(await new Blob(tarParts([{ path: 'Photos/a', blob: new Blob(['theirs']), mtime: 0 }])).arrayBuffer())
    const again = await saveFolder({ id: 'abd', name: 'Photos', size: bytes.byteLength }, Readable.from([bytes]), dir, signal)
    assert.equal(again, join(dir, 'Photos (1)'))
    assert.equal(readFileSync(join(dir, 'Photos', 'a'), 'utf8'), 'mine')
  })
})
