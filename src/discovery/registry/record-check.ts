/** For places that get a lobby's presence record by another way than the roster, such as the DHT: throws unless `sub` itself signed it for that relay. */
import type { Identity } from '../../core/identity.ts'
import { MeshError } from '../../shared/errors.ts'
import { verifyRecord } from './record.ts'

export interface Expected {
  /** PeerID that must have signed. */
  readonly sub: string
  /** PeerID of the relay it is for. */
  readonly relay: string
  /** ms since 1970. */
  readonly now: number
}

/** BAD_RECORD, OLD_RECORD. */
export function createRecordCheck(verify: Identity['verify']): (record: string, expected: Expected) => Promise<void> {
  return async (record, { sub, relay, now }) => {
    const { iss } = await verifyRecord(verify, record, { relay, mesh: 'lobby', now })
    if (iss !== sub) throw new MeshError('BAD_RECORD', 'the record of someone else')
  }
}
