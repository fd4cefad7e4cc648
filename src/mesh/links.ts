/** Live connections grouped by peer, each described as a Path. It observes; it never dials. */
import type { Connection } from '@libp2p/interface'
import { describeAddress } from '../core/address.ts'
import { choosePath, type Path } from '../core/path.ts'
import type { Clock } from '../shared/clock.ts'
import type { Swarm } from './swarm.ts'

export interface Link {
  readonly path: Path
  readonly connection: Connection
}

export interface Links {
  /** Live links to a peer, best first. */
  of(peer: string): readonly Link[]
  best(peer: string): Link | undefined
  /** Peers with at least one link. */
  peers(): readonly string[]
  all(): readonly Link[]
  /** Bytes came, or a stream opened or closed, of a protocol that is of use. */
  touch(connection: Connection): void
  /** ms since 1970 of the last touch, or since it is open. */
  usedOf(link: Link): number
  /** The connection is of use until the returned function is called. */
  hold(connection: Connection): () => void
  isHeld(connection: Connection): boolean
  /** Note a measurement in ms. */
  setRtt(connection: Connection, rtt: number): void
  rttOf(connection: Connection): number | undefined
  /** It does not answer: others go before it until it does. */
  doubt(connection: Connection, silent: boolean): void
  isDoubted(connection: Connection): boolean
  /** A link opened (true) or closed (false). */
  onChange(listen: (peer: string, link: Link, opened: boolean) => void): void
}

export function createLinks(swarm: Swarm, clock: Clock, signal: AbortSignal): Links {
  const links = new Map<string, Link>()
  // By peer as well: who looks at thousands of peers in turn must not look at thousands of links for each.
  const groups = new Map<string, Map<string, Link>>()
  const put = (link: Link) => {
    const peer = link.connection.remotePeer.toString()
    links.set(link.connection.id, link)
    groups.set(peer, (groups.get(peer) ?? new Map<string, Link>()).set(link.connection.id, link))
  }
  const take = ({ id, remotePeer }: Connection) => {
    const group = groups.get(remotePeer.toString())
    group?.delete(id)
    if (group?.size === 0) groups.delete(remotePeer.toString())
    return links.delete(id)
  }
  const used = new WeakMap<Connection, number>()
  const holds = new WeakMap<Connection, number>()
  const doubted = new WeakSet<Connection>()
  const listeners = new Set<(peer: string, link: Link, opened: boolean) => void>()
  const tell = (link: Link, opened: boolean) => {
    for (const listen of listeners) listen(link.connection.remotePeer.toString(), link, opened)
  }
  // What identify told fills libp2p's memory for hours, with as many keys as somebody makes. We dial by whole addresses and need none of it.
  const forget = ({ remotePeer }: Connection) => {
    if (groups.has(remotePeer.toString())) return
    swarm.libp2p.peerStore.delete(remotePeer).catch(() => undefined)
  }
  const onOpen = ({ detail: connection }: CustomEvent<Connection>) => {
    const link = { connection, path: { id: connection.id, since: clock.now(), ...describeAddress(connection.remoteAddr.toString()) } }
    put(link)
    tell(link, true)
  }
  const onClose = ({ detail: connection }: CustomEvent<Connection>) => {
    const link = links.get(connection.id)
    if (!take(connection) || !link) return
    forget(connection)
    tell(link, false)
  }
  swarm.libp2p.addEventListener('connection:open', onOpen)
  swarm.libp2p.addEventListener('connection:close', onClose)
  signal.addEventListener('abort', () => {
    swarm.libp2p.removeEventListener('connection:open', onOpen)
    swarm.libp2p.removeEventListener('connection:close', onClose)
    listeners.clear()
  })

  const of = (peer: string): readonly Link[] => {
    const mine = [...(groups.get(peer)?.values() ?? [])].filter(({ connection }) => connection.status === 'open')
    const sure = mine.filter(({ connection }) => !doubted.has(connection))
    const first = choosePath((sure.length > 0 ? sure : mine).map(({ path }) => path))
    const rank = ({ path, connection }: Link) => (path === first ? 0 : doubted.has(connection) ? 2 : 1)
    return mine.sort((a, b) => rank(a) - rank(b))
  }
  return {
    of,
    best: (peer) => of(peer)[0],
    peers: () => [...groups.keys()],
    all: () => [...links.values()],
    touch: (connection) => void used.set(connection, clock.now()),
    usedOf: ({ connection, path }) => used.get(connection) ?? path.since,
    hold(connection) {
      const add = (change: 1 | -1) => holds.set(connection, (holds.get(connection) ?? 0) + change)
      add(1)
      return () => void add(-1)
    },
    isHeld: (connection) => (holds.get(connection) ?? 0) > 0,
    setRtt(connection, rtt) {
      const link = links.get(connection.id)
      if (!link) return
      const measured = { connection, path: { ...link.path, rtt } }
      put(measured)
      tell(measured, true)
    },
    rttOf: (connection) => links.get(connection.id)?.path.rtt,
    doubt: (connection, silent) => void (silent ? doubted.add(connection) : doubted.delete(connection)),
    isDoubted: (connection) => doubted.has(connection),
    onChange: (listen) => listeners.add(listen),
  }
}
