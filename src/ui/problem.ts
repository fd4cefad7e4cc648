/** A failure as three sentences: what happened, why, what to do. Pure; shows our codes only under Details. */
import { ERRORS } from '../shared/error-fixes.ts'
import { codeOf, type ErrorCode } from '../shared/errors.ts'
import { plainName } from './untrusted.ts'

export interface Problem {
  readonly code: ErrorCode
  /** What happened, in the words of the caller, e.g. "The file was not sent." */
  readonly what: string
  /** The reason with its values. */
  readonly why: string
  readonly fix: string
}

const MAX_WHY = 240 // characters

export function problemOf(what: string, error: unknown): Problem {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String((error as { message?: unknown } | undefined)?.message ?? error)
  return { code, what, why: sentence(plainName(message, 'No reason was given.', MAX_WHY)), fix: ERRORS[code].fix }
}

/** What the page says on an origin where browsers give no keys and no workers. `host` and `port` as in the address bar. */
export function insecureProblem(host: string, port: string): Problem {
  const local = `http://dmesh.localhost${port ? `:${port}` : ''}`
  return {
    code: 'INSECURE_ORIGIN',
    what: 'This address is not secure, so DMesh cannot start here.',
    why: `Browsers give keys and background work only to https addresses and to this computer itself. You opened http://${host}.`,
    fix: `On the computer that runs the relay, open ${local}. For phones and other computers, start the relay with --tls-cert and --tls-key, or put it behind https with --public-url.`,
  }
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`
}
