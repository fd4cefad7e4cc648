/** A WebRTC attempt in words, for "Why this path?": candidates of both sides and what ICE or STUN said. Pure. */
import type { PathObstacle } from '../../core/path.ts'
import { type RtcReport, total } from './report.ts'

const SAID: Readonly<Record<PathObstacle, string>> = {
  'no-udp-here': 'no public address learned here, UDP may be blocked',
  'no-udp-there': 'no public address learned there, UDP may be blocked',
  'no-udp': 'no public address learned here and there, UDP may be blocked',
  'symmetric-nat': 'public addresses on both sides, yet the routers let none of them through',
}

/** e.g. "WebRTC, 2 local (host 1, srflx 1) and 3 remote candidates; 701 STUN timed out". `wanted` = a failed attempt that had asked STUN for public addresses. */
export function describeReport(report: RtcReport | undefined, wanted = false): string {
  if (!report) return 'WebRTC'
  const { local, remote, errors, state } = report
  const failed = state === 'failed' ? '; no pair of them could talk' : ''
  const obstacle = wanted ? obstacleOf(report) : undefined
  const fault = errors.at(-1) ?? (obstacle && SAID[obstacle])
  return `WebRTC, ${total(local)} local${types(local)} and ${total(remote)} remote candidates${types(remote)}${failed}${fault ? `; ${fault}` : ''}`
}

/** Of a failed attempt that had asked STUN. Who has addresses and yet no public one got no answer; who has one sends and receives UDP. */
export function obstacleOf({ local, remote }: RtcReport): PathObstacle | undefined {
  if (total(local) === 0 || total(remote) === 0) return undefined
  if (local.srflx && remote.srflx) return 'symmetric-nat'
  if (local.srflx) return 'no-udp-there'
  return remote.srflx ? 'no-udp-here' : 'no-udp'
}

function types(counts: Readonly<Record<string, number>>): string {
  const text = Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([type, count]) => `${type} ${count}`)
    .join(', ')
  return text && ` (${text})`
}

/** The code a person is shown: a lost host or a failed ICE says more than the error libp2p made of it. */
export function outcomeOf(code: string, report: RtcReport | undefined): string {
  if (report?.code && report.code !== 'PATH_LOST') return report.code
  if (report?.state === 'failed') return 'PEER_UNREACHABLE'
  // Nothing is lost that was never there.
  return code === 'INTERNAL' || code === 'PATH_LOST' ? 'PEER_UNREACHABLE' : code
}
