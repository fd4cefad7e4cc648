/** What the tests of a hostile relay say in its name. */
import { makeDocument, sealShare } from '../../src/access/profile.ts'
import type { Identity } from '../../src/core/identity.ts'
import { publicKeyOfPeer } from '../../src/identity/names.ts'
import { toBase64url } from '../../src/shared/bytes.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import type { HostileRelay, Kept } from '../support/hostile-relay.ts'
import type { TestPeer } from '../support/test-peer.ts'

/** How circuits name a peer. */
export function multihash(peer: string): Uint8Array {
  const key = publicKeyOfPeer(peer) as Uint8Array
  return Uint8Array.of(0, 36, 8, 1, 18, 32, ...key)
}

/** Takes a claim without counting it, tells the owner of it, and the joiner what the owner says. */
export function countingWrong(relay: HostileRelay, joiner: TestPeer, owner: TestPeer): HostileRelay['twist'] {
  return ({ frame, way, peer, protocol }) => {
    if (protocol !== PROTOCOL.invite || way !== 'up') return [frame]
    if (frame.t === 'answer' && frame.peer === joiner.mesh.peer)
      relay.say(PROTOCOL.invite, joiner.mesh.peer, { t: 'answer', ...(frame.code ? { code: frame.code } : {}) })
    if (peer !== joiner.mesh.peer || frame.t !== 'claim') return [frame]
    relay.say(PROTOCOL.invite, joiner.mesh.peer, { t: 'ok', v: 1, seq: 0 })
    relay.say(PROTOCOL.invite, owner.mesh.peer, { ...frame, t: 'waiting', peer })
    return []
  }
}

/** Everything in these frames that is not sealed: also what is inside JWS and other base64url. */
export function readable(kept: readonly Kept[]): string {
  const text = JSON.stringify(kept.map(({ frame }) => frame))
  return text + [...text.matchAll(/[A-Za-z0-9_-]{8,}/g)].map(([part]) => Buffer.from(part, 'base64url').toString('latin1')).join(' ')
}

/** A document that names `victim` a member, under a key the relay chose, with an owner's true certificates beside the relay's own signature. */
export async function forge(relay: Identity, victim: Identity, mesh: string, by: readonly string[]): Promise<string> {
  const key = crypto.getRandomValues(new Uint8Array(32))
  const member = { p: victim.peer, k: toBase64url(victim.sealing.publicKey), r: 'member' as const, s: 1 }
  const share = await sealShare({ mesh, epoch: 1 }, member, { readKey: key, chain: by })
  const profile = { mesh, epoch: 1, seq: 9, iat: 1, name: 'Family', members: [member], spent: {}, floors: {}, by: [...by] }
  return makeDocument(relay, profile, key, { [victim.peer]: share })
}
