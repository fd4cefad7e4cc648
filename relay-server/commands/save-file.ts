/** Puts received bytes into a directory under a name that a peer chose, made safe. Must never overwrite, leave the directory, follow a link, or show a file before it is whole. */
import { createHash } from 'node:crypto'
import { createWriteStream, constants as fs } from 'node:fs'
import { copyFile, link, mkdir, rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { safeName } from '../../src/protocols/files/name.ts'
import { MeshError, toMeshError } from '../../src/shared/errors.ts'
import { MAX_SAME_NAME } from '../peer/limits.ts'

export interface Received {
  readonly id: string
  /** As the peer wrote it. */
  readonly name: string
  readonly size: number
  readonly sha256?: string | undefined
}

/** Resolves with the path. VERIFY_FAILED when what was written is not what was received; STORAGE_FULL, STORAGE_FAILED. Nothing is left when it fails. */
export async function saveFile({ id, name, size, sha256 }: Received, content: Readable, dir: string, signal: AbortSignal): Promise<string> {
  await mkdir(dir, { recursive: true })
  // Not hidden from the person who looks for what is going on, and not taken for the file.
  const part = join(dir, `dmesh-${id}.part`)
  const hash = createHash('sha256')
  let written = 0
  const checked = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      written += chunk.byteLength
      done(null, chunk)
    },
  })
  try {
    // Of a save that was killed; the name is ours, the id is not a peer's.
    await rm(part, { force: true })
    await pipeline(content, checked, createWriteStream(part, { flags: 'wx', flush: true }), { signal })
    if (written !== size || (sha256 !== undefined && hash.digest('hex') !== sha256))
      throw new MeshError('VERIFY_FAILED', `${written} bytes were written to ${dir}, and they are not the ${size} that were received`)
    return await giveName(part, dir, safeName(name))
  } catch (error) {
    throw storageError(error, dir)
  } finally {
    await rm(part, { force: true })
  }
}

/** A hard link fails when the name is taken, whatever stands there; so does an exclusive copy, where there are no links. */
async function giveName(part: string, dir: string, name: string): Promise<string> {
  const { name: stem, ext } = parse(name)
  for (let n = 0; n <= MAX_SAME_NAME; n++) {
    const path = join(dir, n === 0 ? name : `${stem} (${n})${ext}`)
    try {
      await link(part, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') throw error
        return copyFile(part, path, fs.COPYFILE_EXCL)
      })
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new MeshError('STORAGE_FAILED', `${dir} has ${MAX_SAME_NAME} files called ${name} already`)
}

/** What a failed write means to a person. */
export function storageError(error: unknown, dir: string): MeshError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MeshError('STORAGE_FULL', `no space left in ${dir}`, { cause: error })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new MeshError('PERMISSION_DENIED', `${dir} cannot be written to (${code})`, { cause: error })
  return toMeshError(error, 'STORAGE_FAILED')
}
