/** How one connection attempt goes, counted: candidates of both sides by type, ICE state, faults of STUN. For "Why this path?". Must never hold an address. */

export interface RtcReport {
  /** Candidates by type: host, srflx, prflx, relay. */
  readonly local: Readonly<Record<string, number>>
  readonly remote: Readonly<Record<string, number>>
  readonly state: string
  /** Code of our own error when it was closed for one. */
  readonly code?: string
  /** e.g. "701 STUN binding request timed out", at most 8. */
  readonly errors: readonly string[]
}

export type ReportWatch = (report: RtcReport) => void

export interface Reporter {
  onLocal(candidate: string | undefined): void
  onRemote(candidate: string | undefined): void
  onState(state: string, code?: string): void
  onError(text: string): void
}

const MAX_ERRORS = 8 // a sentence, not a log

export function createReport(watch: ReportWatch | undefined): Reporter {
  let report: RtcReport = { local: {}, remote: {}, state: 'new', errors: [] }
  const set = (change: Partial<RtcReport>) => {
    report = { ...report, ...change }
    watch?.(report)
  }
  const count = (side: 'local' | 'remote', candidate: string | undefined) => {
    const type = / typ (host|srflx|prflx|relay)/.exec(candidate ?? '')?.[1]
    if (type) set({ [side]: { ...report[side], [type]: (report[side][type] ?? 0) + 1 } })
  }
  return {
    onLocal: (candidate) => count('local', candidate),
    onRemote: (candidate) => count('remote', candidate),
    onState: (state, code) => set({ state, ...(code ? { code } : {}) }),
    onError: (text) => set({ errors: [...report.errors, text.slice(0, 120)].slice(-MAX_ERRORS) }),
  }
}

/** All types together. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
