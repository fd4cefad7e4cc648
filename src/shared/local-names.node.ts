/** `localhost` and every name below it is this computer (RFC 6761 §6.3). Browsers know that; the resolvers of many systems do not, so they are never asked. */
import { lookup as lookupSystem } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
] as const

export function isLocalName(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host)
}

/** For the `lookup` option of Node.js' sockets, in place of the system's resolver. */
export const lookup: LookupFunction = (host, options, done) => {
  if (isIP(host) || !isLocalName(host)) return lookupSystem(host, options, done)
  const { family, all } = options
  const wanted = family === 6 || family === 'IPv6' ? [LOOPBACK[1]] : family === 4 || family === 'IPv4' ? [LOOPBACK[0]] : LOOPBACK
  // Like the system's: never before the caller went on.
  queueMicrotask(() => (all ? done(null, [...wanted]) : done(null, wanted[0]?.address ?? '', wanted[0]?.family)))
}
