/** File bytes in one directory of the origin private file system: `ID` when finished, `ID.part` before. How bytes are written is passed in, since sync handles exist in dedicated workers only. Must never use a name that a peer chose. */
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { FileBackend, PartFile } from './file-backend.ts'
import { READ_CHUNK } from './limits.ts'

/** An unfinished file open for writing at its end. */
export interface OpfsWriter {
  /** Bytes that are there already: whole blocks, what lay behind them is cut off. */
  readonly size: number
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void
  /** Flush and close. */
  commit(): Promise<void> | void
  /** Close; the bytes may be lost. */
  abort(): Promise<void> | void
}

export type OpenOpfsWriter = (handle: FileSystemFileHandle, keep: boolean) => Promise<OpfsWriter>

/** `move` is in every browser that has OPFS, but not in the DOM types of TypeScript. */
type Movable = FileSystemFileHandle & { move?(name: string): Promise<void> }

/** The directory `name` of the OPFS, made when missing. STORAGE_FAILED where the browser keeps nothing. */
export async function openOpfsDirectory(name: string): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory()
    return await root.getDirectoryHandle(name, { create: true })
  } catch (error) {
    throw toMeshError(error, 'STORAGE_FAILED')
  }
}

export function createOpfsBackend(directory: FileSystemDirectoryHandle, openWriter: OpenOpfsWriter, onClose: () => void): FileBackend {
  const file = async (id: string): Promise<File | undefined> => {
    const handle = await orMissing(directory.getFileHandle(id))
    return handle?.getFile()
  }
  const remove = (name: string) => orMissing(directory.removeEntry(name))
  return {
    openPart: (id, keep) => openPart(directory, id, keep, openWriter),
    async openRead(id) {
      const blob = await file(id)
      if (!blob) return undefined
      return {
        size: blob.size,
        slice: async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()),
        close: async () => undefined,
      }
    },
    blob: file,
    size: async (id) => (await file(id))?.size,
    async remove(id) {
      await remove(id)
      await remove(partName(id))
    },
    async estimate() {
      const { quota, usage } = await navigator.storage.estimate()
      return { used: usage, ...(quota !== undefined && usage !== undefined ? { free: Math.max(0, quota - usage) } : {}) }
    },
    mapError: (error) => toMeshError(error, 'STORAGE_FAILED'),
    close: async () => onClose(),
  }
}

async function openPart(directory: FileSystemDirectoryHandle, id: string, keep: boolean, openWriter: OpenOpfsWriter): Promise<PartFile> {
  if (keep && !(await orMissing(directory.getFileHandle(partName(id))))) {
    const finished: Movable | undefined = await orMissing(directory.getFileHandle(id))
    await finished?.move?.(partName(id))
  }
  const handle: Movable = await directory.getFileHandle(partName(id), { create: true })
  if (!handle.move) throw new MeshError('NOT_SUPPORTED', 'this browser cannot rename a stored file')
  const writer = await openWriter(handle, keep)
  const before = writer.size
  return {
    size: before,
    async *bytes() {
      const blob = await handle.getFile()
      for (let at = 0; at < before; at += READ_CHUNK) yield new Uint8Array(await blob.slice(at, Math.min(before, at + READ_CHUNK)).arrayBuffer())
    },
    append: (bytes) => writer.write(bytes),
    async finish() {
      await writer.commit()
      await orMissing(directory.removeEntry(id))
      await handle.move?.(id)
    },
    close: async () => writer.commit(),
    async discard() {
      try {
        await writer.abort()
      } catch {
        // It was closed by a failure.
      }
      await orMissing(directory.removeEntry(partName(id)))
    },
  }
}

const partName = (id: string): string => `${id}.part`

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as { name?: unknown }).name === 'NotFoundError') return undefined
    throw error
  }
}
