/** Why the relay says no: the status that goes on the wire and the word that is counted. */
import type { Decision } from '../../core/access.ts'
import { STATUS, type StatusName } from './wire.ts'

/** Words of `counters().refused`. */
export type RefusalReason =
  | 'over-circuit'
  | 'policy'
  | 'policy-limit'
  | 'rate'
  | 'quota'
  | 'day'
  | 'draining'
  | 'no-reservation'
  | 'unreachable'
  | 'malformed'
  | 'unexpected'

export interface Refusal {
  readonly status: number
  readonly reason: RefusalReason
}

export function refusal(name: StatusName, reason: RefusalReason): Refusal {
  return { status: STATUS[name], reason }
}

/** undefined when the decision allows; `full` is the status of this request for a right whose rate or concurrency is used up. */
export function refusalOf({ allow, code }: Decision, full: StatusName): Refusal | undefined {
  if (allow) return undefined
  return code === 'LIMIT_REACHED' ? refusal(full, 'policy-limit') : refusal('PERMISSION_DENIED', 'policy')
}
