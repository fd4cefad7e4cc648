/** The Mesh of the other end of a port, as a page has it: what is made of streams alone is made on this side. Runs in browsers too. */
import { createCarrier } from '../../src/bridge/carrier.ts'
import { connectMesh } from '../../src/bridge/connect-mesh.ts'
import type { Mesh } from '../../src/core/mesh.ts'
import { toPort } from '../../src/core/port.ts'
import { createLazyHttp } from '../../src/protocols/http/lazy.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'

export async function connectBridged(port: MessagePort): Promise<Mesh> {
  const parts = { clock: systemClock(), log: silentLog() }
  const ground = await connectMesh(createCarrier(toPort(port), 'page'), parts)
  const { fetch, serve } = createLazyHttp(parts)(ground)
  return Object.defineProperties(Object.create(ground), { fetch: { value: fetch }, serve: { value: serve } }) as Mesh
}
