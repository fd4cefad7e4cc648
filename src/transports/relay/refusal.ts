/** Why the relay says no: the status that goes on the wire and the word that is counted. */
import type { Decision, Limits, Usage } from '../../core/access.ts'
import { STATUS, type StatusName } from './wire.ts'

/** Words of `counters().refused`. */
export type RefusalReason = 'over-circuit' | 'policy' | 'policy-limit' | 'rate' | 'quota' | 'day' | 'draining' | 'no-reservation' | 'unreachable' | 'malformed' | 'unexpected'

export interface Refusal {
  readonly status: number
  readonly reason: RefusalReason
}

export function refusal(name: StatusName, reason: RefusalReason): Refusal {
  return { status: STATUS[name], reason }
}

/** undefined when the decision allows and its limits leave room; `full` is the status for a used-up limit of this request. */
export function refusalOf(decision: Decision, usage: Usage, full: StatusName): Refusal | undefined {
  if (isUsedUp(decision.limits, usage)) return refusal(full, 'policy-limit')
  return decision.allow ? undefined : refusal('PERMISSION_DENIED', 'policy')
}

function isUsedUp({ rate, concurrent }: Limits, { startsLastMinute, concurrent: running }: Usage): boolean {
  return (rate !== undefined && startsLastMinute >= rate) || (concurrent !== undefined && running >= concurrent)
}
