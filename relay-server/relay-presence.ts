/** Who is where on this relay: its lobby, and private meshes as far as their members showed certificates. The desk and the roster know each other here only. */
import { createDeskChecks } from '../src/access/desk-checks.ts'
import type { Who } from '../src/core/access.ts'
import type { PresenceService, Protocol } from '../src/core/protocol.ts'
import type { RecordStore } from '../src/core/stores.ts'
import { createPresenceServer } from '../src/discovery/registry/server.ts'
import { createInviteServer, type InviteService } from '../src/protocols/invite/server.ts'

export interface RelayPresence {
  readonly protocol: Protocol<PresenceService>
  readonly desk: Protocol<InviteService>
  /** A relay cannot know roles: they are sealed. Whoever is in is a member. */
  meshesOf(peer: string): Who['meshes']
}

export async function createRelayPresence(records: RecordStore): Promise<RelayPresence> {
  const late: { desk?: InviteService; presence?: PresenceService } = {}
  const presence = createPresenceServer({ admits: (peer, mesh) => mesh === 'lobby' || late.desk?.isMember(peer, mesh) === true })
  const desk = await createInviteServer({ records, checks: createDeskChecks })
  return {
    protocol: {
      ...presence,
      start(host, signal) {
        const running = presence.start(host, signal)
        late.presence = running.service
        return running
      },
    },
    desk: {
      ...desk,
      start(host, signal) {
        const running = desk.start(host, signal)
        late.desk = running.service
        running.service.onChange(() => late.presence?.recheck())
        return running
      },
    },
    meshesOf: (peer) => late.desk?.meshesOf(peer).map((id) => ({ id, role: 'member' })) ?? [],
  }
}
