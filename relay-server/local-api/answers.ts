/** Answers of the local API that a relay and a terminal peer give alike. */
import type { Identity } from '../../src/core/identity.ts'
import type { RecordStore } from '../../src/core/stores.ts'
import type { MeshHost } from '../../src/mesh/parts.ts'
import { concat } from '../../src/shared/bytes.ts'
import { MAX_PETNAMES } from './limits.ts'
import type { IdAnswer } from './protocol.ts'

/** libp2p peer-ids spec: field 1 = key type 1 (Ed25519), field 2 = 32 bytes. */
const KEY_PREFIX = Uint8Array.of(0x08, 0x01, 0x12, 0x20)

/** `more` = addresses beside those of the mesh's own listeners. */
export function idAnswer(identity: Identity, mesh: MeshHost, more: readonly string[], version: string): IdAnswer {
  return {
    ID: identity.peer,
    PublicKey: Buffer.from(concat([KEY_PREFIX, identity.publicKey])).toString('base64'),
    Addresses: [...new Set([...more, ...mesh.addresses()])],
    AgentVersion: `dmesh/${version}`,
    ProtocolVersion: 'ipfs/0.1.0',
    Protocols: mesh
      .handlers()
      .map(([protocol]) => protocol)
      .sort(),
  }
}

/** My own names for others, by PeerID. */
export async function readPetnames(records: RecordStore): Promise<Readonly<Record<string, string>>> {
  const rows = await records.list<{ readonly petname?: string }>('peer', { limit: MAX_PETNAMES })
  return Object.fromEntries(rows.flatMap(([peer, { petname }]) => (petname ? [[peer, petname] as const] : [])))
}
