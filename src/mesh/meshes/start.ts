/** Joins private meshes to the mesh around them: what they may use of it. Fetched with them. */
import type { MeshesHost, MeshesService } from '../../core/private-mesh.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { createRelays } from '../relays.ts'
import { createMeshes } from './create.ts'
import type { MeshesAround } from './lazy.ts'

/** `desks` makes the desk's client, e.g. createDeskClient of protocols/invite. */
export function startMeshes(around: MeshesAround, desks: (host: ProtocolHost) => MeshesHost['desks']): Promise<MeshesService> {
  const { parts, host, ways, links, presence, gate, names, changed, signal } = around
  const relays = createRelays(parts, ways, links, presence)
  const listeners = new Set<() => void>()
  links.onChange((peer) => {
    if (relays.list().some(({ id }) => id === peer)) for (const listen of listeners) listen()
  })
  return createMeshes({
    identity: host.identity,
    records: parts.records,
    clock: host.clock,
    log: host.log,
    random: parts.random ?? Math.random,
    desks: desks(host),
    presence,
    relays: relays.list,
    onRelays: (listen) => void listeners.add(listen),
    addRelay: relays.add,
    name: names.mine,
    changed() {
      // Whoever is no member any more must not go on with what only members may.
      gate.recheck()
      changed()
    },
    signal,
  })
}
