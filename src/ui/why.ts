/** "Why relayed?" in sentences: what was tried, what stopped it, how it runs now, what one can do. Pure, from the snapshot alone. */
import type { MeshState, PeerInfo, RelayInfo } from '../core/mesh.ts'
import type { PathAttempt, PathObstacle } from '../core/path.ts'
import { ERRORS } from '../shared/error-fixes.ts'
import { isErrorCode } from '../shared/errors.ts'
import { plainName } from './untrusted.ts'
import { rttText, transportText } from './words.ts'

export interface Why {
  readonly title: string
  /** One sentence for each attempt, oldest first. */
  readonly tried: readonly string[]
  readonly now: string
  /** What can be done, at least one sentence. */
  readonly advice: readonly string[]
}

const SHOWN = 4 // attempts in the panel; the newest say enough

export function whyOf(peer: PeerInfo, state: MeshState): Why {
  const name = plainName(peer.name)
  const attempts = peer.attempts.slice(-SHOWN)
  return {
    title: peer.path === 'relayed' ? `Why is ${name} relayed?` : peer.path === 'direct' ? `How ${name} is reached` : `${name} is away`,
    tried: attempts.length > 0 ? attempts.map(attemptSentence) : ['Nothing yet. A direct way is tried as soon as both sides are ready.'],
    now: nowSentence(
      peer,
      state.relays.find((relay) => relay.id === peer.relay),
    ),
    advice: adviceFor(peer, attempts),
  }
}

/** What happened to one attempt, e.g. "WebRTC, 2 local and 3 remote candidates — no answer in time". */
export function attemptSentence(attempt: PathAttempt): string {
  return `${plainName(attempt.what, transportText(attempt.transport), 160)} — ${outcomeText(attempt.outcome)}`
}

const OUTCOMES: Readonly<Record<string, string>> = {
  ok: 'worked',
  trying: 'trying now',
  TIMEOUT: 'no answer in time',
  PEER_UNREACHABLE: 'no way through',
  PATH_LOST: 'worked, then broke off',
  STREAM_RESET: 'the other side broke it off',
  NOT_SUPPORTED: 'not possible in this browser',
  PERMISSION_DENIED: 'the browser did not allow it',
  ACCESS_DENIED: 'the other side did not allow it',
  ABORTED: 'stopped',
}

function outcomeText(outcome: string): string {
  return OUTCOMES[outcome] ?? (isErrorCode(outcome) ? lowerFirst(ERRORS[outcome].fix) : plainName(outcome, 'failed', 80))
}

function nowSentence(peer: PeerInfo, relay: RelayInfo | undefined): string {
  const rtt = peer.rtt === undefined ? '' : `, ${rttText(peer.rtt)}`
  if (peer.path === 'direct') return `Direct, ${transportText(peer.transport)}${rtt}. No relay sees these bytes.`
  if (peer.path === 'away') return 'Not connected to any relay we know. Messages wait here until it is back.'
  return `Relayed by ${relay ? plainName(relay.name) : 'a relay'}${rtt}. The relay sees sizes and times, never content.`
}

function adviceFor(peer: PeerInfo, attempts: readonly PathAttempt[]): readonly string[] {
  if (peer.path === 'direct') return ['Nothing to do.']
  if (peer.path === 'away') return ['Open the page on that device.']
  const outcomes = new Set(attempts.map((attempt) => attempt.outcome))
  const advice: string[] = []
  if (outcomes.has('trying')) advice.push('Wait a moment: a direct way is being tried.')
  if (outcomes.has('NOT_SUPPORTED')) advice.push('Use a browser with WebRTC switched on, on both sides.')
  if (outcomes.has('PERMISSION_DENIED')) advice.push('Allow local network access for this page in the browser settings.')
  const silent = attempts.filter((attempt) => /\b0 remote/.test(attempt.what) && attempt.outcome !== 'ok')
  if (silent.length > 0) advice.push('The other side named no address of its own: WebRTC may be switched off there.')
  else advice.push(...networkAdvice(attempts))
  return advice.length > 0 ? advice : ['It keeps trying on its own. Everything works meanwhile, only slower.']
}

const FIXES: Readonly<Record<PathObstacle, string>> = {
  'no-udp': 'UDP is blocked on both sides, probably by a firewall or router. Allow UDP on both, or put both devices on the same network.',
  'no-udp-here': 'UDP is blocked on this side, probably by a firewall or router here. Allow UDP, or use another network.',
  'no-udp-there': 'UDP is blocked on the other side, probably by a firewall or router there. Allow UDP there, or use another network there.',
  'symmetric-nat':
    'UDP works on both sides, but a router uses another port for each partner (symmetric NAT, usual on mobile and company networks), so neither side can be found. ' +
    'No firewall rule helps. Put both devices on the same network, use IPv6 on both, or switch that router to port-preserving (“cone”) NAT.',
}

/** By the newest attempt that tells; without one, the usual reason. */
function networkAdvice(attempts: readonly PathAttempt[]): readonly string[] {
  const failed = attempts.filter(({ outcome }) => outcome === 'TIMEOUT' || outcome === 'PEER_UNREACHABLE')
  if (failed.length === 0) return []
  const obstacle = failed.findLast((attempt) => attempt.obstacle)?.obstacle
  return [
    obstacle ? FIXES[obstacle] : 'A firewall or router probably stands in between. Put both devices on the same network, or allow UDP on both sides.',
  ]
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
