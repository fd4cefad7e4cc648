/** Where this relay listens, as multiaddr texts and IP addresses: own interfaces, and what the name of --public-url stands for. Asks only the system's resolver, only for that one name. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { urlToAddress } from '../src/core/address.ts'
import type { Clock } from '../src/shared/clock.ts'
import type { Log } from '../src/shared/log.ts'
import { certificateNames } from './front/certificate-names.ts'
import { isLoopback, LOCAL_APP_HOST } from './front/hosts.ts'
import { ADDRESS_TTL, MAX_ADDRESSES } from './limits.ts'

/** The IP address to bind for `host`: itself, or what the system says the name is; wildcards stay. */
export async function bindAddress(host: string): Promise<string> {
  if (isIP(host)) return host
  // Loopback without asking anyone: not every system knows *.localhost.
  if (host === 'localhost' || host.endsWith('.localhost')) return '127.0.0.1'
  return (await lookup(host)).address
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/**
 * The host to open when the relay does TLS itself: browsers compare it with the certificate, so it is a name of that. Without one, an address of this computer;
 * a wildcard is no address that anybody could open.
 */
export function secureHost(listen: string, certificate: string): string {
  if (isIP(listen) === 0 || isLoopback(listen)) return listen
  const names = certificateNames(certificate)
  const name = names.find((one) => isIP(one) === 0)
  if (name || !isWildcard(listen)) return name ?? listen
  return names[0] ?? interfaceAddresses(listen).find((one) => !isLoopback(one)) ?? LOCAL_APP_HOST
}

/** Multiaddrs to tell peers in identify: the public URL alone when there is one, else each own address. */
export function webSocketAddresses(host: string, port: number, secure: boolean, publicUrl: string | undefined): readonly string[] {
  if (publicUrl) return [urlToAddress(publicUrl)]
  const hosts = isWildcard(host) ? interfaceAddresses(host) : [host]
  return hosts.map((one) => urlToAddress(`${secure ? 'https' : 'http'}://${one.includes(':') ? `[${one}]` : one}:${port}`)).slice(0, MAX_ADDRESSES)
}

/** Addresses of this computer that a wildcard covers; link-local ones need a zone and are left out. */
function interfaceAddresses(wildcard: string): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.filter(({ family, scopeid }) => family === 'IPv4' || (wildcard === '::' && !scopeid)).map(({ address }) => address)
}

/** The IP address for UDP sockets. No HTTP proxy carries UDP: a relay that hides behind one on loopback takes UDP itself, on every address. */
export function udpAddress(address: string, publicUrl: string | undefined): string {
  const host = publicUrl ? new URL(publicUrl).hostname.replace(/^\[|\]$/g, '') : undefined
  if (!host || !isLoopback(address) || isLoopback(host) || host === 'localhost' || host.endsWith('.localhost')) return address
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'))
  return hasIpv6 ? '::' : '0.0.0.0'
}

/** What webrtc-direct listens on. A wildcard of IPv6 takes IPv4 too: the native side opens one socket for both and refuses a second on the same port. */
export function directListen(address: string, port: number): readonly string[] {
  return [`/ip${isIP(address) === 6 ? 6 : 4}/${address}/udp/${port}/webrtc-direct`]
}

/** What STUN listens on: an IPv6 socket of it takes IPv6 only, so a dual-stack wildcard needs both. Port 0 cannot be the same twice. */
export function stunListen(address: string, port: number): readonly { readonly host: string; readonly port: number }[] {
  return address === '::' && port !== 0
    ? [
        { host: '0.0.0.0', port },
        { host: '::', port },
      ]
    : [{ host: address, port }]
}

export interface PublicAddresses {
  /** The newest answer; a stale one starts a new question and is given meanwhile. */
  current(): readonly string[]
}

/** A router in front may change its address, so the name is asked again now and then, when somebody wants to know. */
export async function followPublicName(publicUrl: string | undefined, clock: Clock, log: Log): Promise<PublicAddresses> {
  if (!publicUrl) return { current: () => [] }
  const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host)) return { current: () => [host] }
  let known: readonly string[] = []
  let asked = Number.NEGATIVE_INFINITY
  const ask = async () => {
    asked = clock.monotonic()
    try {
      known = (await lookup(host, { all: true })).map(({ address }) => address).slice(0, 4)
    } catch (error) {
      log('relay.public-name.unknown', { host, code: (error as NodeJS.ErrnoException).code }, 'warn')
    }
  }
  await ask()
  return {
    current() {
      if (clock.monotonic() - asked > ADDRESS_TTL) void ask()
      return known
    },
  }
}
