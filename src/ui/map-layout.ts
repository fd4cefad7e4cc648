/** Places of the map: you in the middle, direct peers above, the relay below, relayed ones beyond it, away ones to the left. Pure; the list shows the same data. */
import type { MeshState, PeerInfo, RelayInfo } from '../core/mesh.ts'

export const MAP_WIDTH = 720
export const MAP_HEIGHT = 500
/** Peers drawn; more than this is a crowd, and the list has them all. */
export const MAP_PEERS = 24
/** Away peers drawn: the newest, so that those who are here keep their room. */
export const MAP_AWAY = 4

export interface MapPlace {
  readonly id: string
  readonly x: number
  readonly y: number
}

export interface MapLine {
  readonly key: string
  readonly from: MapPlace
  readonly to: MapPlace
  readonly path: 'direct' | 'relayed' | 'relay'
  /** ms */
  readonly rtt?: number
}

export interface MapPicture {
  readonly me: MapPlace
  readonly peers: readonly (MapPlace & { readonly info: PeerInfo })[]
  readonly relays: readonly (MapPlace & { readonly info: RelayInfo })[]
  readonly lines: readonly MapLine[]
  /** Peers left out. */
  readonly more: number
}

const CENTRE = { x: MAP_WIDTH / 2, y: 240 }
const RADIUS = { x: 285, y: 165 }
/** Degrees, 0 = right, clockwise because y grows downwards. */
const ARC = { direct: [195, 345], relayed: [-6, 58], away: [122, 186] } as const

const MAX_STEP = 66 // degrees between two neighbours, so that few stay together

export function mapPicture(state: MeshState): MapPicture {
  const away = state.peers.filter((peer) => peer.path === 'away').sort((a, b) => b.seen - a.seen)
  const here = state.peers.filter((peer) => peer.path !== 'away').sort((a, b) => a.id.localeCompare(b.id))
  const shown = [...here.slice(0, MAP_PEERS), ...away.slice(0, MAP_AWAY)]
  const me = { id: state.peer, ...CENTRE }
  const relays = placeRelays(state.relays.filter((relay) => relay.status === 'reserved').slice(0, 3))
  const peers = (['direct', 'relayed', 'away'] as const).flatMap((path) =>
    placeArc(
      shown.filter((peer) => peer.path === path),
      ARC[path],
    ),
  )
  return { me, peers, relays, lines: linesOf(me, peers, relays), more: state.peers.length - shown.length }
}

function placeArc(peers: readonly PeerInfo[], [from, to]: readonly [number, number]): readonly (MapPlace & { info: PeerInfo })[] {
  return peers.map((info, i) => {
    const step = peers.length === 1 ? 0 : Math.min(MAX_STEP, (to - from) / (peers.length - 1))
    const angle = (((from + to) / 2 + (i - (peers.length - 1) / 2) * step) * Math.PI) / 180
    const reach = peers.length > 5 && i % 2 === 1 ? 0.66 : 1 // a second row when it gets full
    return {
      id: info.id,
      info,
      x: Math.round(CENTRE.x + RADIUS.x * reach * Math.cos(angle)),
      y: Math.round(CENTRE.y + RADIUS.y * reach * Math.sin(angle)),
    }
  })
}

function placeRelays(relays: readonly RelayInfo[]): readonly (MapPlace & { info: RelayInfo })[] {
  return relays.map((info, i) => ({ id: info.id, info, x: Math.round(CENTRE.x + (i - (relays.length - 1) / 2) * 150), y: 422 }))
}

function linesOf(me: MapPlace, peers: MapPicture['peers'], relays: MapPicture['relays']): readonly MapLine[] {
  const toRelays = relays.map((relay): MapLine => ({ key: `r-${relay.id}`, from: me, to: relay, path: 'relay', rtt: relay.info.rtt }))
  const toPeers = peers.flatMap((peer): readonly MapLine[] => {
    if (peer.info.path === 'away') return []
    if (peer.info.path === 'direct') return [{ key: peer.id, from: me, to: peer, path: 'direct', rtt: peer.info.rtt }]
    const hop = relays.find((relay) => relay.id === peer.info.relay)
    return [{ key: peer.id, from: hop ?? me, to: peer, path: 'relayed', rtt: peer.info.rtt }]
  })
  return [...toRelays, ...toPeers]
}
