/** The one error that crosses threads, frames and peers, and the closed table of its codes. Match on `code`, never `instanceof`. Must never carry a stack to a remote peer. */

/** The DOMException-style class of each code. What a person can do is in error-fixes.ts: a worker needs no sentences. */
const NAMES = {
  ABORTED: 'AbortError',
  TIMEOUT: 'TimeoutError',
  BAD_FRAME: 'DataError',
  FRAME_TOO_LARGE: 'DataError',
  BAD_VARINT: 'DataError',
  UNKNOWN_VERSION: 'NotSupportedError',
  UNKNOWN_PROTOCOL: 'NotSupportedError',
  KEY_MISMATCH: 'SecurityError',
  BAD_RECORD: 'DataError',
  OLD_RECORD: 'DataError',
  ACCESS_DENIED: 'NotAllowedError',
  UNKNOWN_CAPABILITY: 'NotSupportedError',
  GRANT_CONTRADICTS: 'InvalidStateError',
  ACCESS_LOCKOUT: 'InvalidStateError',
  LIMIT_REACHED: 'QuotaExceededError',
  OUTBOX_FULL: 'QuotaExceededError',
  PEER_UNREACHABLE: 'NetworkError',
  PATH_LOST: 'NetworkError',
  STREAM_RESET: 'NetworkError',
  RELAY_UNREACHABLE: 'NetworkError',
  RELAY_FULL: 'QuotaExceededError',
  STORAGE_FULL: 'QuotaExceededError',
  STORAGE_FAILED: 'InvalidStateError',
  PERMISSION_DENIED: 'NotAllowedError',
  PORT_IN_USE: 'InvalidStateError',
  BAD_CONFIG: 'SyntaxError',
  BAD_ARGUMENT: 'TypeError',
  INSECURE_ORIGIN: 'SecurityError',
  NOT_SUPPORTED: 'NotSupportedError',
  VERIFY_FAILED: 'DataError',
  DECLINED: 'NotAllowedError',
  PAUSED: 'InvalidStateError',
  SOURCE_CHANGED: 'NotReadableError',
  INVITE_INVALID: 'DataError',
  INVITE_EXPIRED: 'InvalidStateError',
  INVITE_USED: 'InvalidStateError',
  INVITE_WITHDRAWN: 'InvalidStateError',
  WORDS_INVALID: 'DataError',
  CODE_WRONG: 'NotAllowedError',
  WRONG_MESH: 'SecurityError',
  NOT_ADMITTER: 'NotAllowedError',
  NOT_MEMBER: 'NotAllowedError',
  OLD_INSTANCE: 'InvalidStateError',
  WORKER_GONE: 'InvalidStateError',
  NOT_RUNNING: 'InvalidStateError',
  CLOSED: 'InvalidStateError',
  INTERNAL: 'OperationError',
} as const

/** The class a code belongs to. */
export function nameOf(code: ErrorCode): string {
  return NAMES[code]
}

export type ErrorCode = keyof typeof NAMES

/** Throw only this for expected failures. `message` says what happened, with the values that matter; the fix comes from error-fixes.ts. */
export class MeshError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = NAMES[code]
  }
}

/** What crosses a port or a stream. `cause` is one level deep and only kept between our own threads. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly cause?: { readonly code: ErrorCode; readonly message: string }
}

const MAX_MESSAGE = 500 // characters; a peer must not fill a log line

/** True when `value` carries a code of the table, whatever realm made it. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(NAMES, value)
}

/** The code of anything thrown: ours, a DOMException abort or timeout, else INTERNAL. */
export function codeOf(error: unknown): ErrorCode {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (isErrorCode(code)) return code
  if (name === 'AbortError') return 'ABORTED'
  if (name === 'TimeoutError') return 'TIMEOUT'
  if (name === 'QuotaExceededError') return 'STORAGE_FULL'
  return 'INTERNAL'
}

/** Any thrown value as a MeshError; one of ours is returned as it is. */
export function toMeshError(error: unknown, fallback: ErrorCode = 'INTERNAL'): MeshError {
  if (error instanceof MeshError) return error
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  return new MeshError(code === 'INTERNAL' ? fallback : code, message.slice(0, MAX_MESSAGE), { cause: error })
}

/** Flatten for a port or a stream. */
export function errorToWire(error: unknown): WireError {
  const own = toMeshError(error)
  const cause = own.cause instanceof Error ? { code: codeOf(own.cause), message: own.cause.message.slice(0, MAX_MESSAGE) } : undefined
  return { code: own.code, message: own.message.slice(0, MAX_MESSAGE), ...(cause ? { cause } : {}) }
}

/** Rebuild on the other side. Unknown codes of a newer peer become INTERNAL; of nested causes the first is kept. */
export function errorFromWire(wire: unknown): MeshError {
  const { cause } = (wire ?? {}) as { cause?: unknown }
  return rebuild(wire, cause ? { cause: rebuild(cause) } : undefined)
}

function rebuild(wire: unknown, options?: ErrorOptions): MeshError {
  const { code, message } = (wire ?? {}) as { code?: unknown; message?: unknown }
  const text = typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : 'unknown error'
  return new MeshError(isErrorCode(code) ? code : 'INTERNAL', text, options)
}
