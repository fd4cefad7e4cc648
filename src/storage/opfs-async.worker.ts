/** File bytes in OPFS through `createWritable`, for places without sync handles (SharedWorker) while no page brings a storage worker. Bytes go to a swap file until the end, so a part that is cut off keeps nothing. */
import type { FileStore } from '../core/stores.ts'
import { createFileStore, wholeBlocks } from './file-backend.ts'
import { createOpfsBackend, type OpenOpfsWriter, openOpfsDirectory } from './opfs-backend.worker.ts'
import type { FilePort } from './port-wire.ts'
import { serveFiles } from './serve-files.ts'
import { createSha256 } from './sha256.ts'

/** `directory` in the OPFS, default 'files'. STORAGE_FAILED where the browser keeps nothing. */
export async function openOpfsFilesAsync({ directory = 'files' }: { readonly directory?: string } = {}): Promise<FileStore> {
  return createFileStore(
    createOpfsBackend(await openOpfsDirectory(directory), openStreamWriter, () => undefined),
    createSha256,
  )
}

/** The same store at the end of a port: the fallback of `createPortFiles`. */
export async function openOwnFilePort(): Promise<FilePort> {
  const store = await openOpfsFilesAsync()
  const { port1, port2 } = new MessageChannel()
  serveFiles(port1, store)
  return port2
}

const openStreamWriter: OpenOpfsWriter = async (handle, keep) => {
  const writable = await handle.createWritable({ keepExistingData: keep })
  const size = keep ? wholeBlocks((await handle.getFile()).size) : 0
  await writable.truncate(size)
  if (size > 0) await writable.seek(size)
  return {
    size,
    write: (bytes) => writable.write(bytes),
    commit: () => writable.close(),
    abort: () => writable.abort(),
  }
}
