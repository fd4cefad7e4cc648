/** Which host names this relay answers to, and what a Host header means (design §7 b). Pure: an unlisted name is refused, so that no foreign page can rebind its name to us. */
import { isIP } from 'node:net'

/** The name of the app on this computer; browsers resolve *.localhost to loopback themselves. */
export const LOCAL_APP_HOST = 'dmesh.localhost'

export interface ClientHost {
  /** Lower case, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** 'app' = serve; 'local' = plain loopback, navigations go to dmesh.localhost. */
  readonly kind: 'app' | 'local'
}

export interface HostFacts {
  /** The Host header. */
  readonly header: string | undefined
  readonly secure: boolean
  /** The address of ours that the socket arrived at. */
  readonly localAddress: string
  /** Host names of --public-url, --listen and the relay's own certificate, lower case. */
  readonly names: readonly string[]
}

/** undefined = not one of ours: 421. */
export function resolveHost(facts: HostFacts): ClientHost | undefined {
  const parsed = parseHostHeader(facts.header, facts.secure)
  if (!parsed) return undefined
  const { host, port } = parsed
  const as = (kind: ClientHost['kind']): ClientHost => ({ host, port, secure: facts.secure, kind })
  if (host === LOCAL_APP_HOST || facts.names.includes(host)) return as('app')
  if (host === 'localhost' || isLoopback(host)) return as('local')
  // An IP address in the Host header cannot be a rebound name.
  return isIP(host) && plainAddress(facts.localAddress) === host ? as('app') : undefined
}

/** `name:port`, `1.2.3.4`, `[v6]:port` → parts; undefined for anything else. */
export function parseHostHeader(header: string | undefined, secure: boolean): { readonly host: string; readonly port: number } | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}?)\.?)(?::(\d{1,5}))?$/.exec(header ?? '') ?? []
  if (v6 !== undefined && isIP(v6) !== 6) return undefined
  const host = (v6 ?? name)?.toLowerCase()
  const port = digits === undefined ? (secure ? 443 : 80) : Number(digits)
  return host && port <= 65535 ? { host, port } : undefined
}

/** `host`, `host:port`, `[v6]:port` as it stands in a URL. */
export function hostText({ host, port, secure }: { readonly host: string; readonly port: number; readonly secure: boolean }): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (secure ? 443 : 80) ? name : `${name}:${port}`
}

/** IPv4 inside IPv6 as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

export function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Loopback, private (RFC 1918, RFC 4193), link-local and shared (RFC 6598) addresses. Names and public addresses are false. */
export function isPrivate(host: string): boolean {
  const plain = plainAddress(host)
  if (isLoopback(plain)) return true
  if (isIP(plain) === 6) return /^(f[cd]|fe[89ab])/i.test(plain)
  if (isIP(plain) !== 4) return false
  const [a = 0, b = 0] = plain.split('.').map(Number)
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)
}
