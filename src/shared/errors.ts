/** The one error that crosses threads, frames and peers, and the closed table of its codes. Match on `code`, never `instanceof`. Must never carry a stack to a remote peer. */

/** `name` is the DOMException-style class, `fix` the sentence a person can act on. Rendered to docs/errors.md. */
export const ERRORS = {
  ABORTED: { name: 'AbortError', fix: 'The caller cancelled this. Nothing to do.' },
  TIMEOUT: { name: 'TimeoutError', fix: 'No answer in time. Try again; if it lasts, look at "Why this path?".' },
  BAD_FRAME: { name: 'DataError', fix: 'The other side sent bytes that do not follow the protocol. Update both sides.' },
  FRAME_TOO_LARGE: { name: 'DataError', fix: 'The other side sent more than the cap of this protocol allows. Update both sides.' },
  BAD_VARINT: { name: 'DataError', fix: 'A length prefix was malformed. Update both sides.' },
  UNKNOWN_VERSION: {
    name: 'NotSupportedError',
    fix: 'The two sides run versions that do not understand each other. Reload the page or update the relay.',
  },
  UNKNOWN_PROTOCOL: { name: 'NotSupportedError', fix: 'The other side does not offer this protocol. Ask its owner to switch it on.' },
  KEY_MISMATCH: {
    name: 'SecurityError',
    fix: 'The peer that answered holds another key than its address says. Do not trust this address; get a fresh one.',
  },
  BAD_RECORD: { name: 'DataError', fix: 'A signed record did not verify. The sender must make a new one.' },
  OLD_RECORD: { name: 'DataError', fix: 'A newer record of this peer is already known. Nothing to do.' },
  ACCESS_DENIED: { name: 'NotAllowedError', fix: 'The owner has not allowed this. Ask them for a grant.' },
  LIMIT_REACHED: { name: 'QuotaExceededError', fix: 'A limit is used up. Wait until it refills, or ask the owner for more.' },
  OUTBOX_FULL: {
    name: 'QuotaExceededError',
    fix: 'Too much waits for peers that are away. Wait until one of them is back; messages that waited 30 days make room too.',
  },
  PEER_UNREACHABLE: { name: 'NetworkError', fix: 'The peer is not connected to any relay we know. It must be open somewhere.' },
  PATH_LOST: { name: 'NetworkError', fix: 'The connection that carried this stream ended and no other path is left. Open a new stream.' },
  STREAM_RESET: { name: 'NetworkError', fix: 'The other side ended the stream. Try again.' },
  RELAY_UNREACHABLE: { name: 'NetworkError', fix: 'The relay does not answer. Check that it runs and that its address is right.' },
  RELAY_FULL: { name: 'QuotaExceededError', fix: 'The relay has no place left. Try again in a minute, or add another relay.' },
  STORAGE_FULL: { name: 'QuotaExceededError', fix: 'This device has no space left. Free some space, then try again.' },
  STORAGE_FAILED: { name: 'InvalidStateError', fix: 'Saving failed. Check the permissions of the data directory or leave private browsing.' },
  PERMISSION_DENIED: { name: 'NotAllowedError', fix: 'The browser or the system refused the permission. Allow it in the settings and try again.' },
  PORT_IN_USE: { name: 'InvalidStateError', fix: 'Another program listens there. Choose another port with --listen HOST:PORT.' },
  BAD_CONFIG: { name: 'SyntaxError', fix: 'The configuration could not be read. Correct the line that is named.' },
  BAD_ARGUMENT: { name: 'TypeError', fix: 'An argument is not valid. See the documentation of this call.' },
  INSECURE_ORIGIN: { name: 'SecurityError', fix: 'Browsers allow keys and workers only on https or localhost. Open the page there.' },
  NOT_SUPPORTED: { name: 'NotSupportedError', fix: 'This browser or system lacks a part that is needed. Update it.' },
  VERIFY_FAILED: { name: 'DataError', fix: 'The bytes that arrived are not the bytes that were sent. Send the file again.' },
  DECLINED: { name: 'NotAllowedError', fix: 'The other person declined.' },
  SOURCE_CHANGED: { name: 'NotReadableError', fix: 'The file changed or vanished while it was being sent. Choose it again.' },
  OLD_INSTANCE: { name: 'InvalidStateError', fix: 'A newer start of this same peer took over. This one stops.' },
  WORKER_GONE: { name: 'InvalidStateError', fix: 'The background part of the page stopped. Reload the page.' },
  NOT_RUNNING: { name: 'InvalidStateError', fix: 'No running peer was found. Start one with: npx dmesh relay' },
  CLOSED: { name: 'InvalidStateError', fix: 'This was closed already.' },
  INTERNAL: { name: 'OperationError', fix: 'A fault of ours. Please report it with the log.' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** Throw only this for expected failures. `message` says what happened, with the values that matter; the fix comes from the table. */
export class MeshError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = ERRORS[code].name
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
  return typeof value === 'string' && Object.hasOwn(ERRORS, value)
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
