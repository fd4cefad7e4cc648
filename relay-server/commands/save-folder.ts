/** Unpacks a received folder into a directory. Must never overwrite, leave the directory, make a link, or show the folder before it is whole. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { safeName } from '../../src/protocols/files/name.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { MAX_TAR_FILES, readTar } from '../../src/shared/tar.ts'
import { MAX_SAME_NAME } from '../peer/limits.ts'
import { type Received, storageError } from './save-file.ts'

const MAX_DEPTH = 64 // folders in folders; more is no folder of a person

/** Resolves with the path. BAD_FRAME for what is no folder, else as saveFile. Nothing is left when it fails. */
export async function saveFolder({ id, name, size, sha256 }: Received, content: Readable, dir: string, signal: AbortSignal): Promise<string> {
  await mkdir(dir, { recursive: true })
  const part = join(dir, `dmesh-${id}.part`)
  const hash = createHash('sha256')
  let read = 0
  async function* checked() {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      hash.update(chunk)
      read += chunk.byteLength
      yield chunk
    }
  }
  try {
    // Of a save that was killed.
    await rm(part, { recursive: true, force: true })
    await mkdir(part)
    let files = 0
    for await (const { path, body } of readTar(checked())) {
      if (++files > MAX_TAR_FILES) throw new MeshError('LIMIT_REACHED', `a folder of more than ${MAX_TAR_FILES} files`)
      const target = await placeOf(part, path)
      await pipeline(Readable.from(body), createWriteStream(target, { flags: 'wx', flush: true }), { signal })
    }
    if (read !== size || (sha256 !== undefined && hash.digest('hex') !== sha256))
      throw new MeshError('VERIFY_FAILED', `${read} bytes were unpacked into ${dir}, and they are not the ${size} that were received`)
    return await giveName(part, dir, safeName(name))
  } catch (error) {
    throw storageError(error, dir)
  } finally {
    content.destroy()
    await rm(part, { recursive: true, force: true })
  }
}

/** Below `root`, whatever the path says: each part of it is cleaned as a name is. The first is the folder itself. */
async function placeOf(root: string, path: string): Promise<string> {
  const [, ...parts] = path.split('/').filter((one) => one !== '' && one !== '.')
  if (parts.length === 0 || parts.length > MAX_DEPTH || parts.includes('..')) throw new MeshError('BAD_FRAME', 'a path in the folder is none')
  const clean = parts.map(safeName)
  await mkdir(join(root, ...clean.slice(0, -1)), { recursive: true })
  return join(root, ...clean)
}

/** An empty directory is made first, which fails when the name is taken, whatever stands there. */
async function giveName(part: string, dir: string, name: string): Promise<string> {
  for (let n = 0; n <= MAX_SAME_NAME; n++) {
    const path = join(dir, n === 0 ? name : `${name} (${n})`)
    try {
      await mkdir(path)
      await rename(part, path)
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new MeshError('STORAGE_FAILED', `${dir} has ${MAX_SAME_NAME} folders called ${name} already`)
}
