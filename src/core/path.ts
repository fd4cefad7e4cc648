/** How a peer is reached, and the pure choice among live paths: direct before relayed, then RTT, then age. Must never do I/O. */

export type TransportName = 'websocket' | 'webtransport' | 'webrtc' | 'webrtc-direct' | 'tcp' | 'memory'

export interface Path {
  /** Stable while the connection lives. */
  readonly id: string
  readonly kind: 'direct' | 'relayed'
  /** For a relayed path: the transport of our own leg to the relay. */
  readonly transport: TransportName
  /** PeerID of the hop, when relayed. */
  readonly relay?: string
  /** ms, the newest measurement; undefined before the first. */
  readonly rtt?: number
  /** ms since 1970. */
  readonly since: number
}

/** The path new streams take, or undefined when there is none. */
export function choosePath(paths: readonly Path[]): Path | undefined {
  return [...paths].sort(comparePaths)[0]
}

function comparePaths(a: Path, b: Path): number {
  if (a.kind !== b.kind) return a.kind === 'direct' ? -1 : 1
  const byRtt = (a.rtt ?? Number.POSITIVE_INFINITY) - (b.rtt ?? Number.POSITIVE_INFINITY)
  if (Number.isFinite(byRtt) && byRtt !== 0) return byRtt
  return b.since - a.since
}

/** A relay as its choice sees it. */
export interface RelayChoice {
  readonly id: string
  readonly status: string
  /** ms. */
  readonly rtt?: number
}

/** Share of the preferred relay's round trip that another one's must be below, and ms it must be shorter by, before it is preferred instead: two that are about as near must not take turns. */
const CLEARLY = { share: 0.75, ms: 5 } as const

/** The PeerID of the relay to use first: the nearest that holds a place for us; the one before stays until another is clearly nearer. */
export function preferRelay(relays: readonly RelayChoice[], before: string | undefined): string | undefined {
  const held = relays.filter(({ status }) => status === 'reserved')
  const nearest = [...held].sort((a, b) => (a.rtt ?? Number.POSITIVE_INFINITY) - (b.rtt ?? Number.POSITIVE_INFINITY))[0]
  const old = held.find(({ id }) => id === before)
  if (!old || nearest?.rtt === undefined || nearest === old) return (old ?? nearest)?.id
  const oldRtt = old.rtt ?? Number.POSITIVE_INFINITY
  return nearest.rtt < oldRtt * CLEARLY.share && oldRtt - nearest.rtt > CLEARLY.ms ? nearest.id : old.id
}

/** What a failed attempt says about the networks: no answer of STUN on a side means blocked UDP there; public addresses on both sides that still cannot talk mean a router that uses another port for each partner. */
export type PathObstacle = 'no-udp-here' | 'no-udp-there' | 'no-udp' | 'symmetric-nat'

/** One thing that was tried to reach a peer directly, for "Why this path?". `outcome` is a code or 'ok' or 'trying'. */
export interface PathAttempt {
  readonly transport: TransportName
  /** What was tried in words a person may read under Details, e.g. "WebRTC, 2 local and 3 remote candidates". */
  readonly what: string
  readonly outcome: string
  /** Of a failed attempt, when its candidates tell. */
  readonly obstacle?: PathObstacle
  readonly at: number
}
