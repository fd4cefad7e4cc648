/** File bytes in one directory of the disk: `ID` when finished, `ID.part` before. Directory 0700, files 0600. Must never use a name that a peer chose, nor show a file before it is whole. */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileStore } from '../core/stores.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { openDiskBlob } from './disk-blob.node.ts'
import { createFileStore, type FileBackend, type PartFile, wholeBlocks } from './file-backend.ts'
import { READ_CHUNK } from './limits.ts'
import { createNodeSha256 } from './sha256.node.ts'

/** Opens (and makes) `directory`. STORAGE_FAILED when it cannot be used. */
export async function openDiskFiles(directory: string): Promise<FileStore> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw mapError(error)
  }
  const path = (id: string) => join(directory, id)
  const partPath = (id: string) => join(directory, `${id}.part`)
  const backend: FileBackend = {
    openPart: (id, keep) => openPart(partPath(id), path(id), keep),
    async openRead(id) {
      const handle = await orMissing(open(path(id), 'r'))
      if (!handle) return undefined
      const { size } = await handle.stat()
      return { size, slice: (at, length) => readAt(handle, at, length), close: () => handle.close() }
    },
    async blob(id) {
      if ((await backend.size(id)) === undefined) return undefined
      return openDiskBlob(path(id))
    },
    size: async (id) => (await orMissing(stat(path(id))))?.size,
    async remove(id) {
      await rm(path(id), { force: true })
      await rm(partPath(id), { force: true })
    },
    async estimate() {
      const { bavail, bsize } = await statfs(directory)
      let used = 0
      for (const name of await readdir(directory)) used += (await orMissing(stat(join(directory, name))))?.size ?? 0
      return { free: bavail * bsize, used }
    },
    mapError,
    close: async () => undefined,
  }
  return createFileStore(backend, createNodeSha256)
}

async function openPart(part: string, final: string, keep: boolean): Promise<PartFile> {
  if (keep && !(await orMissing(stat(part)))) await orMissing(rename(final, part))
  const handle = await open(part, keep ? 'a+' : 'w+', 0o600)
  const size = wholeBlocks((await handle.stat()).size)
  await handle.truncate(size)
  let closing: Promise<void> | undefined
  const close = () => (closing ??= handle.close())
  return {
    size,
    async *bytes() {
      for (let at = 0; at < size; ) {
        const chunk = await readAt(handle, at, READ_CHUNK)
        if (chunk.byteLength === 0) return
        at += chunk.byteLength
        yield chunk
      }
    },
    async append(bytes) {
      for (let at = 0; at < bytes.byteLength; ) at += (await handle.write(bytes, at, bytes.byteLength - at)).bytesWritten
    },
    async finish() {
      await handle.sync()
      await close()
      await rename(part, final)
    },
    close,
    async discard() {
      await close().catch(() => undefined)
      await rm(part, { force: true })
    },
  }
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  const { bytesRead } = await handle.read(bytes, 0, length, at)
  return bytes.subarray(0, bytesRead)
}

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function mapError(error: unknown): MeshError {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MeshError('STORAGE_FULL', 'the disk is full', { cause: error })
  return toMeshError(error, 'STORAGE_FAILED')
}
