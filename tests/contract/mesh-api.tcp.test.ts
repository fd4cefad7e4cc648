/** The Mesh contract over TCP: two meshes joined by one socket. */
import { describe, it } from 'node:test'
import { systemClock } from '../../src/shared/clock.ts'
import { createTcp } from '../../src/transports/tcp/transport.node.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { MESH_CASES } from './mesh-api.ts'

describe('Mesh contract, over TCP', async () => {
  const ids: string[] = []
  const start = () => startTestMesh(() => ids, { transports: [createTcp({ clock: systemClock(), listen: ['/ip4/127.0.0.1/tcp/0'] })] })
  const [one, two] = [await start(), await start()]
  ids.push(one.mesh.peer, two.mesh.peer)
  await one.mesh.connect(two.mesh.addresses()[0] ?? '')
  for (const { name, run } of MESH_CASES) it(name, () => run({ a: one.mesh, b: two.mesh }))
  it('everything closes', async () => {
    await two.close()
    await one.close()
  })
})
