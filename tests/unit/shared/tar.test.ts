/** Folders as tar: what is packed comes out again, the system's own tar reads it, and any other bytes end with a code. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MeshError } from '../../../src/shared/errors.ts'
import { readTar, tarParts } from '../../../src/shared/tar.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 2_000)
const FILES = [
  { path: 'Photos/a.txt', text: 'hello' },
  { path: 'Photos/sub/empty', text: '' },
  { path: `Photos/${'long-'.repeat(40)}name.txt`, text: 'x'.repeat(512) },
  { path: 'Photos/Grüße 🎈.txt', text: 'y'.repeat(1025) },
]

const pack = async (): Promise<Uint8Array<ArrayBuffer>> => {
  const parts = tarParts(FILES.map(({ path, text }) => ({ path, blob: new Blob([text]), mtime: 1_700_000_000_000 })))
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

describe('tar', () => {
  for (const size of [1, 511, 4096, 1_000_000]) {
    it(`comes out as it was packed, in pieces of ${size} bytes`, async () => {
      const found: { path: string; text: string }[] = []
      for await (const { path, body } of readTar(inPieces(await pack(), size))) {
        let text = ''
        for await (const piece of body) text += new TextDecoder().decode(piece)
        found.push({ path, text })
      }
      assert.deepEqual(found, FILES)
    })
  }

  it('a body that nobody read is passed over', async () => {
    const paths: string[] = []
    for await (const { path } of readTar(inPieces(await pack(), 300))) paths.push(path)
    assert.deepEqual(
      paths,
      FILES.map(({ path }) => path),
    )
  })

  it('is read by the tar of this system', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dmesh-tar-'))
    try {
      writeFileSync(join(dir, 'x.tar'), await pack())
      execFileSync('tar', ['-xf', 'x.tar'], { cwd: dir })
      for (const { path, text } of FILES) assert.equal(readFileSync(join(dir, path), 'utf8'), text)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('a file of more than 8 GiB has its size', async () => {
    const [head] = tarParts([{ path: 'big', blob: { size: 2 ** 35 + 5 } as Blob, mtime: 0 }])
    const first = await readTar(inPieces(head as Uint8Array, 512)).next()
    assert.equal(first.value?.size, 2 ** 35 + 5)
  })

  it('gives files or a MeshError for any bytes, also for a tar that was changed', async () => {
    const whole = await pack()
    const check = async (bytes: Uint8Array) => {
      try {
        for await (const { body } of readTar(inPieces(bytes, 700))) for await (const _ of body);
      } catch (error) {
        assert.ok(error instanceof MeshError && error.code === 'BAD_FRAME', String(error))
      }
    }
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), check), { numRuns })
    const changed = fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255), fc.nat(whole.byteLength))
    await fc.assert(
      fc.asyncProperty(changed, ([at, byte, end]) => {
        const bytes = whole.slice(0, end)
        if (at < end) bytes[at] = byte
        return check(bytes)
      }),
      { numRuns },
    )
  })
})
