/** Page of the interop tests in a browser: hosts WebRTC for the worker that runs the mesh, and passes commands on. Driven through `globalThis.interop`. */
import { toPort } from '../../../src/core/port.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { serveRtcHost } from '../../../src/transports/webrtc/host.page.ts'

const worker = new Worker(new URL('./mesh.worker.ts', import.meta.url), { type: 'module' })
const { port1, port2 } = new MessageChannel()
serveRtcHost({ port: toPort(port1), log: silentLog() })
worker.postMessage('host', [port2])

let last = 0
const ask = (name: string, args: readonly unknown[]) =>
  new Promise((resolve, reject) => {
    const id = ++last
    const listen = ({ data }: MessageEvent) => {
      if (data.id !== id) return
      worker.removeEventListener('message', listen)
      if (data.error === undefined) resolve(data.value)
      else reject(new Error(data.error))
    }
    worker.addEventListener('message', listen)
    worker.postMessage({ id, name, args })
  })

Object.assign(globalThis, { interop: { ask } })
