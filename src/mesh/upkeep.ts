/** Housekeeping of a running mesh: notice that the machine slept, trim connections. */
import { ipOfAddress } from '../core/address.ts'
import type { Clock } from '../shared/clock.ts'
import { prefixOf } from '../shared/ip-prefix.ts'
import type { Log } from '../shared/log.ts'
import { FOREIGN, PROTOCOL } from '../wire/ids.ts'
import { HIGH_WATER, SLEPT, TICK } from './limits.ts'
import type { Link, Links } from './links.ts'
import { chooseTrim } from './trim.ts'

/** Call `woke` when the clock jumped: the machine slept or the page was frozen, so every socket may be dead. */
export function watchClock(clock: Clock, signal: AbortSignal, woke: () => void): void {
  let last = clock.now()
  const tick = () => {
    if (signal.aborted) return
    const now = clock.now()
    if (now - last > SLEPT || now < last - SLEPT) woke()
    last = now
    clock.after(TICK, tick)
  }
  clock.after(TICK, tick)
}

export interface TrimParts {
  readonly links: Links
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly isRelay: (peer: string) => boolean
  readonly log: Log
  readonly high?: number
}

/** Streams of ours that any peer can make us open. */
const PROVOKED: ReadonlySet<string> = new Set([PROTOCOL.webrtc, PROTOCOL.why])
const CIRCUITS: ReadonlySet<string> = new Set([FOREIGN.hop, FOREIGN.stop])

/** What we opened ourselves, or found use for. What the other side opened protects nothing. */
function isWanted({ connection }: Link, links: Links): boolean {
  const own = connection.streams.filter(({ direction, protocol }) => direction === 'outbound' && !PROVOKED.has(protocol))
  return links.isHeld(connection) || own.some(({ protocol }) => protocol.startsWith('/dmesh/') || protocol.startsWith('/x/'))
}

/** After each new link: close the least recently used ones above the high-water mark. */
export function keepTrimmed({ links, clock, signal, isRelay, log, high }: TrimParts): void {
  links.onChange((_peer, _link, opened) => {
    if (!opened || signal.aborted) return
    const all = links.all()
    // Each measurement of a round trip comes by here too: nothing is weighed before there is something to choose.
    if (all.length <= (high ?? HIGH_WATER)) return
    const chosen = chooseTrim(
      all.map((link) => ({
        id: link.path.id,
        protected: isRelay(link.connection.remotePeer.toString()) || isWanted(link, links),
        since: link.path.since,
        used: link.connection.streams.some(({ protocol }) => CIRCUITS.has(protocol)) ? clock.now() : links.usedOf(link),
        prefix: prefixOf(ipOfAddress(link.connection.remoteAddr.toString())),
      })),
      clock.now(),
      high,
      high === undefined ? undefined : Math.floor((high * 2) / 3),
    )
    if (chosen.length === 0) return
    log('mesh.trimmed', { count: chosen.length })
    for (const { path, connection } of all) if (chosen.includes(path.id)) connection.close().catch(() => connection.abort(new Error('trimmed')))
  })
}
