/** What a relay's status means to a client, as one of our errors. Pure. */
import { type ErrorCode, MeshError } from '../../shared/errors.ts'
import { STATUS, statusName } from './wire.ts'

const CODES: Readonly<Record<number, ErrorCode>> = {
  [STATUS.RESERVATION_REFUSED]: 'RELAY_FULL',
  [STATUS.RESOURCE_LIMIT_EXCEEDED]: 'LIMIT_REACHED',
  [STATUS.PERMISSION_DENIED]: 'ACCESS_DENIED',
  [STATUS.CONNECTION_FAILED]: 'PEER_UNREACHABLE',
  [STATUS.NO_RESERVATION]: 'PEER_UNREACHABLE',
}

/** RELAY_FULL, LIMIT_REACHED, ACCESS_DENIED, PEER_UNREACHABLE; BAD_FRAME for every other status. */
export function errorOfStatus(what: string, status: number | undefined): MeshError {
  const code = status === undefined ? undefined : CODES[status]
  return new MeshError(code ?? 'BAD_FRAME', `${what}: the relay answered ${statusName(status)}`)
}
