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
  /** Who may be where changed: rows of the policy. */
  recheck(): void
}

export interface RelayPresenceOptions {
  readonly records: RecordStore
  /** True for whom a row speaks of without regard to private meshes: members of two meshes must not meet in a lobby. */
  readonly mayBeInLobby: (peer: string) => boolean
  /** Somebody showed a certificate, or was removed: time to recheck(). */
  readonly onChange: () => void
  /** Who is in the lobby, see createPresenceServer(). */
  readonly told: (peer: string, record: string | undefined) => void
}

export async function createRelayPresence({ records, mayBeInLobby, onChange, told }: RelayPresenceOptions): Promise<RelayPresence> {
  const late: { desk?: InviteService; presence?: PresenceService } = {}
  const presence = createPresenceServer({
    admits: (peer, mesh) => (mesh === 'lobby' ? mayBeInLobby(peer) : late.desk?.isMember(peer, mesh) === true),
    told,
  })
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
        running.service.onChange(onChange)
        return running
      },
    },
    meshesOf: (peer) => late.desk?.meshesOf(peer).map((id) => ({ id, role: 'member' })) ?? [],
    recheck: () => late.presence?.recheck(),
  }
}
