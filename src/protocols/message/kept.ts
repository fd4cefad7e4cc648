/** Which lines of the history are kept: those with peers I wrote to, and apart from them a few of strangers, whose keys are free. Pure bookkeeping; a stranger's line must never push out one of mine. */
import { MAX_KEPT, MAX_KEPT_BYTES, MAX_STRANGER_BYTES, MAX_STRANGER_LINES } from './limits.ts'

export interface Line {
  readonly key: string
  readonly id: string
  readonly peer: string
  readonly direction: 'in' | 'out'
  /** Bytes of the body. */
  readonly size: number
}

export interface Kept {
  /** Returns the keys of lines that have to go for it. */
  add(line: Line): readonly string[]
  /** I write to this peer: its lines are mine from now on. Returns the keys of lines that have to go for them. */
  befriend(peer: string): readonly string[]
  /** Oldest first. */
  of(peer: string): readonly Line[]
}

export function createKept(knows: (peer: string) => boolean): Kept {
  const mine = createPool(MAX_KEPT, MAX_KEPT_BYTES)
  const strangers = createPool(MAX_STRANGER_LINES, MAX_STRANGER_BYTES)
  return {
    add: (line) => (knows(line.peer) ? mine : strangers).add(line),
    befriend: (peer) => strangers.take(peer).flatMap((line) => mine.add(line)),
    of: (peer) => (knows(peer) ? mine : strangers).of(peer),
  }
}

/** Lines by peer, oldest first. Above a bound the oldest line of the longest conversation goes, so that none pushes out another; among equals of the oldest. */
function createPool(maxLines: number, maxBytes: number) {
  const peers = new Map<string, Line[]>()
  let lines = 0
  let bytes = 0
  const count = (line: Line, sign: 1 | -1) => {
    lines += sign
    bytes += sign * line.size
  }
  const dropOne = (): string => {
    let longest: Line[] = []
    for (const each of peers.values()) if (each.length > longest.length) longest = each
    const line = longest.shift() as Line
    if (longest.length === 0) peers.delete(line.peer)
    count(line, -1)
    return line.key
  }
  return {
    of: (peer: string): readonly Line[] => peers.get(peer) ?? [],
    take(peer: string): readonly Line[] {
      const taken = peers.get(peer) ?? []
      peers.delete(peer)
      for (const line of taken) count(line, -1)
      return taken
    },
    add(line: Line): readonly string[] {
      const own = peers.get(line.peer)
      if (own) own.push(line)
      else peers.set(line.peer, [line])
      count(line, 1)
      const gone: string[] = []
      while (lines > 0 && (lines > maxLines || bytes > maxBytes)) gone.push(dropOne())
      return gone
    },
  }
}
