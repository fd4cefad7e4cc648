/** What the desk of a relay checks about tokens, claims and certificates (core/private-mesh.ts): the formats of this room, bound to that relay. Pure. */
import type { Identity } from '../core/identity.ts'
import type { DeskChecks } from '../core/private-mesh.ts'
import { MeshError } from '../shared/errors.ts'
import { readToken, verifyClaim, verifyToken } from './invite.ts'
import { isRemoved, verifyChain, verifyRemoved } from './membership.ts'
import { verifyUserProof } from './user-proof.ts'

export function createDeskChecks({ peer: relay, verify }: Pick<Identity, 'peer' | 'verify'>, now: () => number): DeskChecks {
  return {
    async invite(token) {
      const { aud, mesh, jti, iss, uses, exp } = await verifyToken(verify, token, now())
      if (aud !== relay) throw new MeshError('INVITE_INVALID', 'another relay counts this invite')
      return { mesh, id: jti, issuer: iss, uses, until: exp * 1000 }
    },
    claim: (claim, peer) => verifyClaim(verify, readToken(claim.token), claim, peer),
    async member(peer, mesh, chain) {
      const membership = await verifyChain(verify, mesh, chain, now())
      if (membership.peer !== peer) throw new MeshError('WRONG_MESH', 'the certificate of somebody else')
      return {
        root: membership.links[0]?.peer ?? peer,
        owner: membership.owner,
        until: membership.until,
        isRemoved: (floors) => isRemoved(membership, floors),
      }
    },
    user: (proof, peer) => verifyUserProof(verify, proof, relay, peer, now()),
    removed: async (mesh, list) => (await verifyRemoved(verify, mesh, list, now())).floors,
  }
}
