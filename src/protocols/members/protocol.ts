/** /dmesh/members/1.0.0: two members of a private mesh give each other the newer document, and hear who leaves. What a relay withholds arrives this way. Must never show a document to whom no owner certified. */
import type { MembersHooks, MembersService } from '../../core/private-mesh.ts'
import type { Protocol } from '../../core/protocol.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { createMembersClient } from './client.ts'
import { MEETINGS_AT_ONCE, MEETINGS_PER_MINUTE } from './limits.ts'
import { serveMember } from './server.ts'

export function createMembers(hooks: MembersHooks): Protocol<MembersService> {
  return {
    ids: [PROTOCOL.members],
    may: 'mesh.meet',
    // Whoever opens it has to show certificates of the mesh: a role in the lobby says nothing about that.
    row: {
      id: 'meet',
      who: ['anyone'],
      may: ['mesh.meet'],
      limits: { rate: MEETINGS_PER_MINUTE, concurrent: MEETINGS_AT_ONCE },
      label: 'Members of my meshes, by their certificates: tell each other what changed',
    },
    start: (host) => ({ service: createMembersClient(host, hooks), serve: (stream) => serveMember(host, hooks, stream) }),
  }
}
