/** Multiaddr texts as the mesh needs them: what they say about the path, their order, and the address behind a plain URL. Pure. URLs of peers: address-url.ts. */
import { MeshError } from '../shared/errors.ts'
import type { Path, TransportName } from './path.ts'

/** The last `/p2p/…` of a multiaddr text: the peer at its end. */
export function peerOfAddress(text: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(text)?.[1]
}

/** The relay of a circuit address: the peer before `/p2p-circuit`. */
export function relayOfAddress(text: string): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(text)?.[1]
}

/** The first IP address of a multiaddr text: of a circuit, its relay's. */
export function ipOfAddress(text: string): string | undefined {
  return /\/ip[46]\/([^/]+)/.exec(text)?.[1]
}

/** How a connection with this remote address runs. `/…/p2p-circuit/webrtc` was only signalled over the relay, so it is direct. */
export function describeAddress(text: string): { readonly kind: Path['kind']; readonly transport: TransportName; readonly relay?: string } {
  const circuit = text.includes('/p2p-circuit')
  if (/\/webrtc(\/|$)/.test(text)) return { kind: 'direct', transport: 'webrtc' }
  const [leg = text] = text.split('/p2p-circuit')
  const transport = transportOf(leg)
  return circuit ? { kind: 'relayed', transport, relay: relayOfAddress(text) } : { kind: 'direct', transport }
}

function transportOf(text: string): TransportName {
  if (text.includes('/webrtc-direct')) return 'webrtc-direct'
  if (text.includes('/webtransport')) return 'webtransport'
  if (/\/wss?(\/|$)/.test(text)) return 'websocket'
  if (text.includes('/memory/')) return 'memory'
  return 'tcp'
}

const ORDER: readonly TransportName[] = ['memory', 'webtransport', 'websocket', 'webrtc-direct', 'webrtc', 'tcp']

/** Addresses in the order they should be tried; stable. WebSocket comes before webrtc-direct: it opens in fewer round trips and needs no window. */
export function orderAddresses(texts: readonly string[]): readonly string[] {
  const rank = (text: string) => ORDER.indexOf(describeAddress(text).transport)
  return [...texts].sort((a, b) => rank(a) - rank(b))
}

/** The WebSocket multiaddr text of a ws(s):// or http(s):// URL. BAD_ARGUMENT for others. */
export function urlToAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const secure = parsed?.protocol === 'wss:' || parsed?.protocol === 'https:'
  if (!parsed || (!secure && parsed.protocol !== 'ws:' && parsed.protocol !== 'http:'))
    throw new MeshError('BAD_ARGUMENT', `not a ws or http URL: ${url}`)
  const host = parsed.hostname.startsWith('[') ? parsed.hostname.slice(1, -1) : parsed.hostname
  const type = host.includes(':') ? 'ip6' : /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 'ip4' : 'dns4'
  return `/${type}/${host}/tcp/${parsed.port || (secure ? 443 : 80)}${secure ? '/tls' : ''}/ws`
}
