/** Contract of find(): the cases that hold where no relay is. With relays: tests/mesh/kad.test.ts. */
import { codeFrom, equal, type MeshCase, type MeshContext } from './mesh-checks.ts'

const NOBODY = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

export const FIND_CASES: readonly MeshCase[] = [{ name: 'find() knows nobody without relays, and takes PeerIDs alone', run: find }]

async function find({ a }: MeshContext): Promise<void> {
  equal((await a.find(NOBODY)).length, 0, 'places')
  equal(await codeFrom(a.find(NOBODY, { connect: true })), 'PEER_UNREACHABLE', 'nobody to reach')
  equal(await codeFrom(a.find('no peer')), 'BAD_ARGUMENT', 'no PeerID')
}
