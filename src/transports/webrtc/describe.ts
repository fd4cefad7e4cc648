/** A WebRTC attempt in words, for "Why this path?": candidates of both sides and what ICE or STUN said. Pure. */
import { type RtcReport, total } from './report.ts'

/** e.g. "WebRTC, 2 local (host 1, srflx 1) and 3 remote candidates; 701 STUN timed out". `wanted` = a failed attempt that had asked STUN for public addresses. */
export function describeReport(report: RtcReport | undefined, wanted = false): string {
  if (!report) return 'WebRTC'
  const { local, remote, errors, state } = report
  const failed = state === 'failed' ? '; no pair of them could talk' : ''
  const fault = errors.at(-1) ?? (wanted ? missing(report) : undefined)
  return `WebRTC, ${total(local)} local${types(local)} and ${total(remote)} remote candidates${types(remote)}${failed}${fault ? `; ${fault}` : ''}`
}

/** Who has addresses and yet no public one got no answer from STUN. */
function missing({ local, remote }: RtcReport): string | undefined {
  const lacks = (counts: Readonly<Record<string, number>>) => total(counts) > 0 && !counts.srflx
  const where = [lacks(local) ? 'here' : '', lacks(remote) ? 'there' : ''].filter(Boolean).join(' and ')
  return where && `no public address learned ${where}, UDP may be blocked`
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
