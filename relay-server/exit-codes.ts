/** Exit codes of the command line, and which error gives which. Documented by --help. Pure. */
import type { ErrorCode } from '../src/shared/errors.ts'

export const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3, portInUse: 4, unreachable: 5, denied: 6, invite: 7, interrupted: 130 } as const

const BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  BAD_CONFIG: EXIT.usage,
  BAD_ARGUMENT: EXIT.usage,
  NOT_RUNNING: EXIT.notRunning,
  PORT_IN_USE: EXIT.portInUse,
  PEER_UNREACHABLE: EXIT.unreachable,
  RELAY_UNREACHABLE: EXIT.unreachable,
  TIMEOUT: EXIT.unreachable,
  ACCESS_DENIED: EXIT.denied,
  PERMISSION_DENIED: EXIT.denied,
  DECLINED: EXIT.denied,
  NOT_ADMITTER: EXIT.denied,
  NOT_MEMBER: EXIT.denied,
  INVITE_INVALID: EXIT.invite,
  INVITE_EXPIRED: EXIT.invite,
  INVITE_USED: EXIT.invite,
  INVITE_WITHDRAWN: EXIT.invite,
  ABORTED: EXIT.interrupted,
}

/** EXIT.failed for a code that has none of its own. */
export function exitCodeOf(code: ErrorCode): number {
  return BY_CODE[code] ?? EXIT.failed
}
