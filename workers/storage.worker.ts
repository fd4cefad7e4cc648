/** Root of the dedicated storage worker: opens the OPFS store (waiting while another tab's worker holds it) and hands its page a port for the mesh. Must serve the newest port only: an older one belongs to a mesh that is gone. */
import type { FileStore } from '../src/core/stores.ts'
import { errorToWire } from '../src/shared/errors.ts'
import { openOpfsFiles } from '../src/storage/opfs.worker.ts'
import { serveFiles } from '../src/storage/serve-files.ts'

/** To the page: pass `port` on to the mesh worker's `PortFiles.attach`. From the page: `{ type: 'storage-port' }` asks for a fresh one. */
export type StorageWorkerMessage =
  | { readonly type: 'storage-port'; readonly port: MessagePort }
  | { readonly type: 'storage-failed'; readonly error: { readonly code: string; readonly message: string } }

declare const self: DedicatedWorkerGlobalScope

async function start(): Promise<void> {
  const opening = openOpfsFiles()
  let store: FileStore | undefined
  let stop: (() => void) | undefined
  const hand = () => {
    // Asked before the store is open: the first port goes out anyway as soon as it is.
    if (!store) return
    stop?.()
    const { port1, port2 } = new MessageChannel()
    stop = serveFiles(port1, store)
    const message: StorageWorkerMessage = { type: 'storage-port', port: port2 }
    self.postMessage(message, [port2])
  }
  self.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if ((data as { type?: unknown } | null)?.type === 'storage-port') hand()
  })
  store = await opening
  hand()
}

start().catch((error: unknown) => {
  const message: StorageWorkerMessage = { type: 'storage-failed', error: errorToWire(error) }
  self.postMessage(message)
})
