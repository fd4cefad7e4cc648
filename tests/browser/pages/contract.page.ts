/** Page of the contract tests: runs the Mesh contract against two meshes that live in a worker. Driven through `globalThis.contract`. */
import { toPort } from '../../../src/core/port.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { serveRtcHost } from '../../../src/transports/webrtc/host.page.ts'
import { connectBridged } from '../../contract/behind-bridge.ts'
import { MESH_CASES } from '../../contract/mesh-api.ts'

function startWorker(withHost: boolean): Worker {
  const worker = new Worker(new URL('./contract.worker.ts', import.meta.url), { type: 'module' })
  if (!withHost) return worker
  const { port1, port2 } = new MessageChannel()
  serveRtcHost({ port: toPort(port1), log: silentLog() })
  worker.postMessage('host', [port2])
  return worker
}

const api = {
  inWorker: (withHost: boolean) =>
    new Promise((resolve) => {
      const worker = startWorker(withHost)
      worker.onmessage = ({ data }) => {
        worker.terminate()
        resolve(data)
      }
      worker.postMessage('run')
    }),
  async inPage(withHost: boolean) {
    const worker = startWorker(withHost)
    const failed = new Promise<readonly string[]>((resolve) => worker.addEventListener('message', ({ data }) => resolve(data)))
    const [one, two] = [new MessageChannel(), new MessageChannel()]
    worker.postMessage('serve', [one.port2, two.port2])
    const meshes = await Promise.race([Promise.all([connectBridged(one.port1), connectBridged(two.port1)]), failed])
    const [a, b] = meshes
    if (typeof a === 'string' || typeof b === 'string' || !a || !b) return meshes
    const results: string[] = []
    for (const { name, run } of MESH_CASES) {
      results.push(
        await run({ a, b }).then(
          () => `ok ${name}`,
          (error) => `FAILED ${name}: ${error?.code ?? ''} ${error?.message ?? error}`,
        ),
      )
    }
    worker.terminate()
    return results
  },
}

Object.assign(globalThis, { contract: api })
