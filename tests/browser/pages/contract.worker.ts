/** Worker of the contract tests: two real meshes of this browser, joined by a real relay; runs the Mesh contract here and serves both to the page. */
import { createCarrier } from '../../../src/bridge/carrier.ts'
import { serveMesh } from '../../../src/bridge/serve-mesh.ts'
import type { Mesh } from '../../../src/core/mesh.ts'
import { toPort } from '../../../src/core/port.ts'
import type { FileStore } from '../../../src/core/stores.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createMemoryFiles } from '../../../src/storage/memory.ts'
import { createStandIn } from '../../../src/transports/webrtc/stand-in.ts'
import { startBrowserMesh } from '../../../workers/browser-mesh.worker.ts'
import { MESH_CASES } from '../../contract/mesh-api.ts'
import { waitUntil } from '../../support/wait.ts'

declare const self: WorkerGlobalScope & { onmessage: unknown; postMessage(message: unknown): void }

const clock = systemClock()
const standIn = createStandIn()

async function start(database: string) {
  const files: FileStore = createMemoryFiles()
  return startBrowserMesh({ version: '0', clock, log: silentLog(), standIn, files, origin: self.location.origin, database })
}

async function pair(prefix: string) {
  const [a, b] = await Promise.all([start(`${prefix}-a`), start(`${prefix}-b`)])
  // With a host the cases must run over the direct path, not over the relay that it starts from.
  const here = (mesh: Mesh, peer: string) =>
    mesh.peers.some(({ id, path }) => id === peer && (standIn.available() ? path === 'direct' : path !== 'away'))
  const states = () => JSON.stringify([a.state.relays, a.peers])
  await waitUntil(() => here(a, b.peer) && here(b, a.peer), { ms: 20_000, what: 'both to meet' }).catch((error) => {
    throw new Error(`${error.message}: ${states()}`)
  })
  return { a, b }
}

async function runAll(): Promise<readonly string[]> {
  const results: string[] = []
  const context = await pair('worker')
  for (const { name, run } of MESH_CASES) {
    results.push(
      await run(context).then(
        () => `ok ${name}`,
        (error) => `FAILED ${name}: ${error?.code ?? ''} ${error?.message ?? error}`,
      ),
    )
  }
  await Promise.all([context.a.close(), context.b.close()])
  return results
}

self.onmessage = async ({ data, ports }: MessageEvent) => {
  if (data === 'host') return void standIn.attach(toPort(ports[0] as MessagePort))
  try {
    if (data === 'run') return self.postMessage(await runAll())
    const { a, b } = await pair('page')
    serveMesh(a, createCarrier(toPort(ports[0] as MessagePort), 'worker'), silentLog())
    serveMesh(b, createCarrier(toPort(ports[1] as MessagePort), 'worker'), silentLog())
  } catch (error) {
    self.postMessage([`FAILED to start: ${(error as Error).stack}`])
  }
}
