/** Who is at the other end of a request: the socket's address, or what a trusted proxy says. Forwarding headers of anyone else are ignored. Pure but for the list made once. */
import { BlockList, isIP } from 'node:net'
import { plainAddress } from './hosts.ts'
import { MAX_FORWARDED } from './limits.ts'

export interface Remote {
  readonly address: string
  /** 0 when a proxy spoke for it. */
  readonly port: number
  readonly secure: boolean
}

export interface RemoteFacts {
  readonly address: string
  readonly port: number
  /** The socket itself is TLS. */
  readonly encrypted: boolean
  readonly forwardedFor: string | undefined
  readonly forwardedProto: string | undefined
}

export type ReadRemote = (facts: RemoteFacts) => Remote

/** Whether an address is one of the proxies; `cidrs` as checked by the configuration. */
export function createTrusted(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    const plain = plainAddress(address)
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }
}

export function createReadRemote(trusted: (address: string) => boolean): ReadRemote {
  return ({ address, port, encrypted, forwardedFor, forwardedProto }) => {
    const socket = plainAddress(address)
    if (!trusted(socket)) return { address: socket, port, secure: encrypted }
    const protos = (forwardedProto ?? '').split(',')
    const proto = (protos.at(-1) ?? '').trim().toLowerCase()
    const secure = proto === 'https' || proto === 'wss' || (proto === '' && encrypted)
    // From the right: each trusted proxy vouches for the entry before it.
    for (const text of (forwardedFor ?? '').split(',').slice(-MAX_FORWARDED).reverse()) {
      const hop = plainAddress(
        text
          .trim()
          .replace(/^\[(.*)\](:\d+)?$/, '$1')
          .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1'),
      )
      if (isIP(hop) === 0) break
      if (!trusted(hop)) return { address: hop, port: 0, secure }
    }
    return { address: socket, port, secure }
  }
}
