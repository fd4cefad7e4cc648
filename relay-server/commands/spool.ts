/** Standard input as a file, for as long as it is sent: an offer tells the size before the bytes. Private to its user. */
import { randomUUID } from 'node:crypto'
import { createWriteStream, rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MeshError, toMeshError } from '../../src/shared/errors.ts'
import { MAX_SPOOL } from '../peer/limits.ts'

export interface Spooled {
  /** Absolute. */
  readonly path: string
  remove(): Promise<void>
}

/** LIMIT_REACHED above MAX_SPOOL, STORAGE_FULL, STORAGE_FAILED; nothing is left then. */
export async function spool(input: Readable, dataDir: string, signal: AbortSignal): Promise<Spooled> {
  const dir = join(dataDir, 'spool')
  const path = join(dir, randomUUID())
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const removeNow = () => rmSync(path, { force: true })
  process.once('exit', removeNow)
  const remove = async () => {
    process.off('exit', removeNow)
    await rm(path, { force: true })
  }
  let size = 0
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.byteLength
      done(size > MAX_SPOOL ? new MeshError('LIMIT_REACHED', `standard input has more than ${MAX_SPOOL} bytes; put it into a file`) : null, chunk)
    },
  })
  try {
    await pipeline(input, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal })
    return { path, remove }
  } catch (error) {
    await remove()
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new MeshError('STORAGE_FULL', `no space left for standard input in ${dir}`, { cause: error })
    throw toMeshError(error, 'STORAGE_FAILED')
  }
}
