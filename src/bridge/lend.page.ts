/** What an elected page lends to the worker: its window for WebRTC and a dedicated worker for files. Lends again to each new worker; takes back when the page leaves. */
import { type Port, toPort } from '../core/port.ts'
import { errorFromWire, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { LentPart } from './door-api.ts'

export interface LendParts {
  /** Serves WebRTC on the port until closed. Undefined when this browser has none or it is switched off. */
  readonly serveRtc?: (port: Port) => { close(): void }
  /** Starts workers/storage.worker.ts. Undefined: the mesh keeps files where it can by itself. */
  readonly openStorage?: () => Worker
  readonly log: Log
}

export interface Lender {
  /** To the worker of this session. */
  lendTo(lend: (part: LentPart, port: MessagePort) => Promise<void>): void
  close(): void
}

export function createLender({ serveRtc, openStorage, log }: LendParts): Lender {
  let rtc: { close(): void } | undefined
  let storage: Worker | undefined
  let lendNow: ((part: LentPart, port: MessagePort) => Promise<void>) | undefined
  const give = (part: LentPart, port: MessagePort) => {
    lendNow?.(part, port).catch((error: unknown) => log('bridge.lend.failed', { part, code: toMeshError(error).code }, 'warn'))
  }
  const lendRtc = () => {
    if (!serveRtc) return
    rtc?.close()
    const { port1, port2 } = new MessageChannel()
    rtc = serveRtc(toPort(port1))
    give('rtc', port2)
  }
  const lendStorage = () => {
    if (!openStorage) return
    if (storage) return storage.postMessage({ type: 'storage-port' })
    storage = openStorage()
    storage.addEventListener('message', ({ data }: MessageEvent<{ type?: string; port?: MessagePort; error?: unknown }>) => {
      if (data.type === 'storage-port' && data.port) give('storage', data.port)
      if (data.type === 'storage-failed') log('bridge.storage.failed', { code: errorFromWire(data.error).code }, 'error')
    })
  }
  return {
    lendTo(lend) {
      lendNow = lend
      lendRtc()
      lendStorage()
    },
    close() {
      lendNow = undefined
      rtc?.close()
      storage?.terminate()
      rtc = undefined
      storage = undefined
    },
  }
}
