/** The keepers of one mesh together: which relays hold a place for us, each once, and which of them is preferred. */
import type { Connection } from '@libp2p/interface'
import type { RelayInfo } from '../core/mesh.ts'
import { preferRelay } from '../core/path.ts'
import type { Keeper } from './keeper.ts'

export interface RelaySet {
  keep(keeper: Keeper): void
  drop(origin: string): boolean
  keepers(): readonly Keeper[]
  /** By PeerID. */
  of(relay: string): Keeper | undefined
  isRelay(peer: string): boolean
  /** Who keeps this connection, when it is a relay's. */
  keeperOf(connection: Connection): Keeper | undefined
  /** True when another keeper has this relay. */
  isTaken(relay: string, keeper: Keeper): boolean
  /** One for each relay; of one that is known by two names, the first. */
  infos(): readonly RelayInfo[]
}

export function createRelaySet(): RelaySet {
  const keepers: Keeper[] = []
  let preferred: string | undefined
  const of = (relay: string) => keepers.find((keeper) => keeper.info().id === relay)
  return {
    keep: (keeper) => void keepers.push(keeper),
    drop(origin) {
      const at = keepers.findIndex((keeper) => keeper.origin === origin)
      if (at < 0) return false
      keepers[at]?.stop()
      keepers.splice(at, 1)
      return true
    },
    keepers: () => keepers,
    of,
    isRelay: (peer) => of(peer) !== undefined,
    keeperOf: ({ remotePeer, remoteAddr }) => (remoteAddr.toString().includes('/p2p-circuit') ? undefined : of(remotePeer.toString())),
    isTaken: (relay, keeper) => keepers.some((other) => other !== keeper && other.info().id === relay),
    infos() {
      const infos = keepers.map((keeper) => keeper.info())
      preferred = preferRelay(infos, preferred)
      return infos.map((info) => (info.id !== '' && info.id === preferred ? { ...info, preferred: true } : info))
    },
  }
}
