/** Relays as a terminal peer finds them. `*.localhost` is this computer (RFC 6761 §6.3): browsers know that, the resolvers of many systems do not. */
import type { SiteConfig } from '../../src/core/site-config.ts'
import type { RelaySource } from '../../src/core/transport.ts'
import { createRelaySource } from '../../src/mesh/relay-source.ts'

/** `origin` such as https://home.example. */
export function terminalRelaySource(origin: string, onSite?: (site: SiteConfig) => void): RelaySource {
  const asked = reachable(origin)
  const get: typeof fetch = (input, init) => fetch(String(input).replace(origin, asked), init)
  return createRelaySource(origin, { fetch: get, ...(onSite ? { onSite } : {}) })
}

/** The same origin under a name that every resolver knows. */
export function reachable(origin: string): string {
  const url = new URL(origin)
  if (url.protocol === 'http:' && url.hostname.endsWith('.localhost')) url.hostname = '127.0.0.1'
  return url.origin
}
