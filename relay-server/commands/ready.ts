/** What commands wait for before they act: a place at a relay, the peer they are about. A relay needs no place. */
import type { MeshState, PeerInfo } from '../../src/core/mesh.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { untilReachable } from '../peer/follow.ts'
import type { Connected } from './peer-command.ts'
import { printable } from './printable.ts'
import { type Known, resolvePeer } from './resolve-peer.ts'

/** ms for the list of who is here after a place was given: it comes with the next answer of the relay. */
const ROSTER_MS = 2_000

/** ms for the names of private meshes to be read after the start. */
const NAMES_MS = 2_000

export async function whenReachable({ client, follow }: Connected, ms?: number): Promise<void> {
  if ((await client.status()).kind !== 'relay') await untilReachable(follow, ms)
}

/** The snapshot once somebody is in it, or nobody came in time. */
export async function withPeers(connected: Connected): Promise<MeshState> {
  const { follow } = connected
  await whenReachable(connected)
  await follow
    .until(({ peers }) => peers.length > 0, { ms: ROSTER_MS, what: 'peers' })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'TIMEOUT') throw error
    })
  return follow.state()
}

/**
 * The peer that is meant, here or not. A name may take until its mesh is read from the disk: BAD_ARGUMENT when it is unknown then, when several have it, or when a
 * stranger claims it. The first use of a member's name makes it my own name for that key, so that no other member can take it over later.
 */
export async function findPeer({ client, follow }: Connected, text: string, note: (text: string) => void): Promise<Known> {
  const petnames = await client.names()
  const what = `somebody called "${printable(text)}". Who is here, says: dmesh peers`
  const found = await follow.until((state) => resolvePeer(text, { state, petnames }), { ms: NAMES_MS, what, code: 'BAD_ARGUMENT' })
  if (found.by === 'member') {
    await client.rename(printable(found.name), found.peer)
    note(`"${printable(found.name)}" is your name for ${found.peer} from now on; another one: dmesh name ${found.peer} NAME`)
  }
  return found
}

/** The peer, once it is here. PEER_UNREACHABLE after `ms`. */
export function untilHere({ follow }: Connected, { peer, name }: Known, ms: number): Promise<PeerInfo> {
  return follow.until((state) => state.peers.find(({ id, path }) => id === peer && path !== 'away'), {
    ms,
    what: `${printable(name, peer)}, who is not here`,
    code: 'PEER_UNREACHABLE',
  })
}

/** Throw the problem that a snapshot tells, as it was. */
export function problemError({ code, message }: { readonly code: string; readonly message: string }): MeshError {
  return new MeshError(codeOf({ code }), message)
}
