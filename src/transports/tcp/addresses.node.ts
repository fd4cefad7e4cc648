/** Which TCP addresses that a peer names may be dialled. Pure. */
import { BlockList, isIP } from 'node:net'

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Of a text that is exactly `/ip4|ip6/ADDRESS/tcp/PORT`, with or without `/p2p/…` at its end; undefined for anything else. */
export function parseTcp(text: string): HostPort | undefined {
  const [, version, host = '', digits] = /^\/ip([46])\/([^/]+)\/tcp\/(\d{1,5})(?:\/p2p\/[^/]+)?$/.exec(text) ?? []
  const port = Number(digits)
  return version !== undefined && isIP(host) === Number(version) && port <= 65_535 ? { host, port } : undefined
}

export function tcpAddress({ host, port }: HostPort): string {
  // A multiaddr's IPv6 address has no zone, which link-local ones come with.
  const plain = (host.startsWith('::ffff:') ? host.slice(7) : host).replace(/%.*$/, '')
  return `/ip${plain.includes(':') ? 6 : 4}/${plain}/tcp/${port}`
}

const V4 = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']
const V6 = ['::/127', 'fe80::/10', 'ff00::/8']
const NO_NEIGHBOURS = listOf(V4, V6)

/** IPv4 addresses written as IPv6 meet the rules of IPv4 (net.BlockList). */
function listOf(v4: readonly string[], v6: readonly string[]): BlockList {
  const list = new BlockList()
  for (const [networks, type] of [
    [v4, 'ipv4'],
    [v6, 'ipv6'],
  ] as const)
    for (const network of networks) {
      const [address = '', bits] = network.split('/')
      list.addSubnet(address, Number(bits), type)
    }
  return list
}

/** An address that a peer names, and that may be dialled: never this computer itself (services there trust it), no link-local one (cloud metadata lies there, and IPv6 needs a zone), no group. */
export function isDialable(text: string): boolean {
  const found = parseTcp(text)
  return found !== undefined && found.port > 0 && !NO_NEIGHBOURS.check(found.host, isIP(found.host) === 6 ? 'ipv6' : 'ipv4')
}
