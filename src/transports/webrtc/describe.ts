/** A WebRTC attempt in words, for "Why this path?": candidates of both sides and what ICE or STUN said. Pure. */
import { type RtcReport, total } from './report.ts'

/** e.g. "WebRTC, 2 local (host 1, srflx 1) and 3 remote candidates; 701 STUN timed out". */
export function describeReport(report: RtcReport | undefined): string {
  if (!report) return 'WebRTC'
  const { local, remote, errors, state } = report
  const failed = state === 'failed' ? '; no pair of them could talk' : ''
  const fault = errors.at(-1)
  return `WebRTC, ${total(local)} local${types(local)} and ${total(remote)} remote candidates${types(remote)}${failed}${fault ? `; ${fault}` : ''}`
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
  return code === 'INTERNAL' ? 'PEER_UNREACHABLE' : code
}
