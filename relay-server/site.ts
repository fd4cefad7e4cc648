/** What dmesh.json says to one client: the addresses under which that client can reach this relay, derived from the host it used (design §7 a). Pure. */

import { isIP } from 'node:net'
import type { SiteConfig } from '../src/core/site-config.ts'
import { isLoopback, LOCAL_APP_HOST, plainAddress } from './front/hosts.ts'
import type { SiteContext } from './front/options.ts'
import { MAX_ADDRESSES } from './limits.ts'

export interface SiteFacts {
  readonly peer: string
  readonly version: string
  readonly build: string
  readonly name: string
  readonly lobby: boolean
  readonly quotas: Readonly<Record<string, number>>
  /** Where webrtc-direct listens: one text per address, with certhash, without /p2p. */
  readonly direct: readonly string[]
  /** UDP port of STUN; undefined = off. */
  readonly stunPort?: number
  /** IP addresses that the name of --public-url stands for. */
  readonly publicAddresses: readonly string[]
}

export function buildSite(facts: SiteFacts, context: SiteContext): SiteConfig {
  const { peer, version, build, name, lobby, quotas } = facts
  const addresses = [...webSocketAddresses(context), ...directAddresses(facts, context)].map((address) => `${address}/p2p/${peer}`)
  return { v: 1, peer, version, build, name, addresses: addresses.slice(0, MAX_ADDRESSES), stun: stunUrls(facts, context), quotas, lobby }
}

/** On this computer the address comes first: a program without a browser may not know *.localhost. */
function webSocketAddresses({ host, localAddress }: SiteContext): readonly string[] {
  const tail = `tcp/${host.port}${host.secure ? '/tls' : ''}/ws`
  const own = `/${hostPart(host.host)}/${tail}`
  if (host.host !== LOCAL_APP_HOST && host.host !== 'localhost') return [own]
  const reached = plainAddress(localAddress)
  return isLoopback(reached) && !host.secure ? [`/${hostPart(reached)}/${tail}`, own] : [own]
}

/** Only where the client can send UDP: the address it came to, or those of the public name. */
function directAddresses({ direct, publicAddresses }: SiteFacts, context: SiteContext): readonly string[] {
  const wanted = udpAddresses(context, publicAddresses)
  const out = new Set<string>()
  for (const text of direct) {
    const [, family, listening, rest] = /^\/(ip4|ip6)\/([^/]+)(\/udp\/.*)$/.exec(text) ?? []
    if (!family || !listening || !rest) continue
    const everywhere = listening === '0.0.0.0' || listening === '::'
    for (const address of wanted) {
      const sameFamily = (isIP(address) === 6) === (family === 'ip6')
      // Behind a router the public address is not one of ours, so only the private ones must match.
      if (sameFamily && (everywhere || listening === address || publicAddresses.includes(address))) out.add(`/${family}/${address}${rest}`)
    }
  }
  return [...out]
}

function udpAddresses({ host, localAddress }: SiteContext, publicAddresses: readonly string[]): readonly string[] {
  if (isIP(host.host)) return [host.host]
  if (host.kind === 'local' || host.host === LOCAL_APP_HOST) return [plainAddress(localAddress)]
  return publicAddresses
}

function stunUrls({ stunPort }: SiteFacts, { host, localAddress }: SiteContext): readonly string[] {
  if (stunPort === undefined) return []
  const local = host.host === LOCAL_APP_HOST || host.host === 'localhost'
  const name = local ? plainAddress(localAddress) : host.host
  return [`stun:${name.includes(':') ? `[${name}]` : name}:${stunPort}`]
}

function hostPart(host: string): string {
  const family = isIP(host)
  return family === 4 ? `ip4/${host}` : family === 6 ? `ip6/${host}` : `dns4/${host}`
}
