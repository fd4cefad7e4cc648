/** File bytes in OPFS through sync handles: dedicated workers only, and the fastest way a browser has. Holds one Web Lock per directory, since two workers with handles on one file would fail each other. */
import type { FileStore } from '../core/stores.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { createFileStore, wholeBlocks } from './file-backend.ts'
import { createOpfsBackend, type OpenOpfsWriter, openOpfsDirectory } from './opfs-backend.worker.ts'
import { createSha256 } from './sha256.ts'

export interface OpfsFilesOptions {
  /** Directory in the OPFS. Default 'files'. */
  readonly directory?: string
  /** Ends the wait for the lock. */
  readonly signal?: AbortSignal
}

/** Resolves once no other worker of this origin holds `directory`, which may take as long as that one lives. NOT_SUPPORTED where sync handles are missing. */
export async function openOpfsFiles({ directory = 'files', signal }: OpfsFilesOptions = {}): Promise<FileStore> {
  if (typeof FileSystemSyncAccessHandle === 'undefined') throw new MeshError('NOT_SUPPORTED', 'this place has no sync file handles')
  const release = await holdLock(`dmesh-storage:${directory}`, signal)
  try {
    return createFileStore(createOpfsBackend(await openOpfsDirectory(directory), openSyncWriter, release), createSha256)
  } catch (error) {
    release()
    throw error
  }
}

const openSyncWriter: OpenOpfsWriter = async (handle, keep) => {
  const access = await handle.createSyncAccessHandle()
  const size = keep ? wholeBlocks(access.getSize()) : 0
  access.truncate(size)
  let at = size
  return {
    size,
    write(bytes) {
      const written = access.write(bytes, { at })
      at += written
      if (written < bytes.byteLength) throw new MeshError('STORAGE_FULL', `${written} of ${bytes.byteLength} bytes could be written`)
    },
    commit() {
      access.flush()
      access.close()
    },
    abort: () => access.close(),
  }
}

/** Where Web Locks are missing the caller alone must see to it that there is one worker. */
function holdLock(name: string, signal: AbortSignal | undefined): Promise<() => void> {
  const locks = navigator.locks as LockManager | undefined
  if (!locks) return Promise.resolve(() => undefined)
  return new Promise((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(release))
    locks.request(name, signal ? { signal } : {}, hold).catch((error: unknown) => reject(toMeshError(error, 'STORAGE_FAILED')))
  })
}
