/** Joins private meshes to the mesh around them: what they may use of it. Fetched with them. */
import type { CodeHooks, CodeService, MembersHooks, MembersService, MeshesHost, MeshesService } from '../../core/private-mesh.ts'
import type { Protocol, ProtocolHost } from '../../core/protocol.ts'
import { createRelays } from '../relays.ts'
import { createMeshes } from './create.ts'
import type { MeshesAround } from './lazy.ts'

/** The protocols of private meshes, handed in by a root. */
export interface MeshesProtocols {
  /** The desk's client, e.g. createDeskClient of protocols/invite. */
  readonly desks: (host: ProtocolHost) => MeshesHost['desks']
  /** createMembers of protocols/members. */
  readonly members: (hooks: MembersHooks) => Protocol<MembersService>
  /** createCodes of protocols/code. */
  readonly codes: (hooks: CodeHooks) => Protocol<CodeService>
}

export function startMeshes(around: MeshesAround, { desks, members, codes }: MeshesProtocols): Promise<MeshesService> {
  const { parts, host, ways, links, presence, gate, handlers, names, changed, signal } = around
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
    codes: async (hooks) => (await handlers.start(codes(hooks), host, signal)).service,
    members: async (hooks) => (await handlers.start(members(hooks), host, signal)).service,
    presence,
    relays: relays.list,
    onRelays: (listen) => void listeners.add(listen),
    addRelay: relays.add,
    renewPlace: relays.renewPlace,
    name: names.mine,
    changed() {
      // Whoever is no member any more must not go on with what only members may.
      gate.recheck()
      changed()
    },
    signal,
  })
}
