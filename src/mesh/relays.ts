/** Relays as private meshes see them: by origin, those given at the start and those that invites name. Each origin once. */
import type { MeshesHost } from '../core/private-mesh.ts'
import type { PresenceService } from '../core/protocol.ts'
import { MAX_RELAYS } from './limits.ts'
import type { Links } from './links.ts'
import type { MeshParts } from './parts.ts'
import type { Ways } from './ways.ts'

export interface Relays {
  /** By its origin, unless it is kept already. Above MAX_RELAYS nothing happens. */
  add(origin: string): void
  list: MeshesHost['relays']
  renewPlace: MeshesHost['renewPlace']
}

export function createRelays({ relayClient, relaySource, relays: given }: MeshParts, ways: Ways, links: Links, presence: PresenceService): Relays {
  const { relays } = ways
  return {
    add(origin) {
      // One that is given is kept in its time, with what its root wants to know of it.
      const known = given.some((source) => source.origin === origin) || relays.keepers().some((keeper) => keeper.origin === origin)
      if (relayClient && relaySource && !known && relays.keepers().length < MAX_RELAYS) ways.keep(relaySource(origin), relayClient, presence)
    },
    renewPlace(relay, gained) {
      for (const keeper of relays.keepers()) if (keeper.info().id === relay) keeper.renew(gained)
    },
    list: () =>
      relays.keepers().flatMap((keeper) => {
        const { id } = keeper.info()
        if (keeper.origin === undefined) return []
        return [{ origin: keeper.origin, id, connected: id !== '' && links.of(id).some(({ path }) => path.kind === 'direct') }]
      }),
  }
}
