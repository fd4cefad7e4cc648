/** "Why this path?" as data: every way to a peer that there is or was tried, how it went, and what stood in the way. Pure reading. */
import type { PathCandidate, PathWhy } from '../core/mesh.ts'
import type { CircuitAttempt, Connector } from './connector.ts'
import { MAX_CANDIDATES } from './limits.ts'
import type { Link, Links } from './links.ts'
import type { RelaySet } from './relay-set.ts'

export interface CandidateParts {
  readonly links: Links
  readonly connector: Pick<Connector, 'attempts' | 'circuits'>
  readonly relays: RelaySet
}

/** The one in use first, then what is open beside it, then what failed, the newest first. */
export function whyThisPath(peer: string, { links, connector, relays }: CandidateParts): PathWhy {
  const live = links.of(peer)
  const open = live.map((link, at) => ofLink(link, at === 0, links.isDoubted(link.connection)))
  const direct = [...connector.attempts(peer)]
    .reverse()
    .filter(({ outcome }) => outcome !== 'ok')
    .map(({ transport, what, outcome, obstacle }): PathCandidate => {
      const ended = outcome === 'trying' ? { outcome: 'trying' as const } : { outcome: 'failed' as const, code: outcome }
      return { kind: 'direct', transport, what, ...ended, ...(obstacle ? { obstacle } : {}) }
    })
  const tried = connector.circuits(peer)
  const circuits = relays
    .infos()
    .filter(({ id }) => !live.some(({ path }) => path.kind === 'relayed' && path.relay === id))
    .map(({ id, name, status, problem }) => {
      const base = { kind: 'relayed', relay: id, what: name } as const
      if (status !== 'reserved') return { ...base, outcome: 'failed', code: problem?.code ?? 'RELAY_UNREACHABLE' } satisfies PathCandidate
      return ofCircuit(
        base,
        tried.find(({ relay }) => relay === id),
      )
    })
  const path = live[0]?.path.kind ?? 'away'
  return { path, candidates: [...open, ...direct, ...circuits].slice(0, MAX_CANDIDATES) }
}

function ofLink({ connection, path }: Link, first: boolean, silent: boolean): PathCandidate {
  const { kind, transport, relay, rtt } = path
  const outcome = silent ? 'silent' : first ? 'used' : 'open'
  const address = connection.remoteAddr.toString()
  return { kind, transport, address, outcome, ...(relay ? { relay } : {}), ...(rtt === undefined ? {} : { ms: rtt }) }
}

/** It worked and is gone, failed, or was never needed. */
function ofCircuit(base: { kind: 'relayed'; relay: string; what: string }, attempt: CircuitAttempt | undefined): PathCandidate {
  if (!attempt) return { ...base, outcome: 'not tried' }
  const { outcome, ms } = attempt
  return { ...base, outcome: 'failed', code: outcome === 'ok' ? 'PATH_LOST' : outcome, ms }
}
