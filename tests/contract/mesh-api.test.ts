/** The Mesh contract in Node.js: two meshes directly, and both behind the bridge over MessagePorts. */
import { describe, it } from 'node:test'
import { createCarrier } from '../../src/bridge/carrier.ts'
import { serveMesh } from '../../src/bridge/serve-mesh.ts'
import type { Mesh } from '../../src/core/mesh.ts'
import { toPort } from '../../src/core/port.ts'
import { silentLog } from '../../src/shared/log.ts'
import { startTwo } from '../support/test-mesh.ts'
import { connectBridged } from './behind-bridge.ts'
import { MESH_CASES } from './mesh-api.ts'

async function bridged(mesh: Mesh): Promise<Mesh> {
  const { port1, port2 } = new MessageChannel()
  serveMesh(mesh, createCarrier(toPort(port1), 'worker'), silentLog())
  return connectBridged(port2)
}

for (const where of ['in this process', 'behind the bridge'] as const) {
  describe(`Mesh contract, ${where}`, async () => {
    const two = await startTwo()
    const [a, b] = where === 'in this process' ? [two.a.mesh, two.b.mesh] : await Promise.all([bridged(two.a.mesh), bridged(two.b.mesh)])
    for (const { name, run } of MESH_CASES) it(name, () => run({ a, b }))
    it('everything closes', async () => {
      await b.close()
      await two.close()
    })
  })
}
