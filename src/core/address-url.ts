/** Addresses as URLs and back (docs/addresses.md): the scheme names the whole stack to the first peer, so that nothing has to be probed. Pure; must stay out of the worker's first bundle. */
import { type AddressPart, bad, checkShape, formatAddress, MAX_ADDRESS, parseAddress, readValue } from './address-parts.ts'

/** What a URL says: where, and which protocol to speak there. */
export interface PeerUrl {
  /** Canonical multiaddr text. */
  readonly address: string
  /** Protocol id for the first stream. */
  readonly protocol?: string
}

interface Scheme {
  /** Parts between host and peer; `port` stands behind the first. */
  readonly stack: readonly [AddressPart['name'], ...AddressPart['name'][]]
  /** Left out of the URL. Only where a standard names one. */
  readonly port?: string
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  tcp: { stack: ['tcp'] },
  ws: { stack: ['tcp', 'ws'], port: '80' },
  wss: { stack: ['tcp', 'tls', 'ws'], port: '443' },
  http: { stack: ['tcp', 'http'], port: '80' },
  https: { stack: ['tcp', 'tls', 'http'], port: '443' },
  quic: { stack: ['udp', 'quic-v1'] },
  webtransport: { stack: ['udp', 'quic-v1', 'webtransport'], port: '443' },
  'webrtc-direct': { stack: ['udp', 'webrtc-direct'] },
}

const PREFIX = 'dmesh'
const URL_TEXT = /^dmesh(?:\+([a-z-]+))?:(?:\/\/(\[[^\]/?#]*\]|[^[\]/?#:@]*)(?::(\d*))?)?((?:\/[^?#]*)?)(?:\?([^#]*))?$/i
const FAMILIES: Readonly<Record<string, AddressPart['name']>> = { 4: 'dns4', 6: 'dns6' }
/** Parts with a value that belong to the first connection alone, and their keys in the query. A path of its own could hold `..`, which URLs resolve. */
const IN_QUERY: Readonly<Partial<Record<AddressPart['name'], string>>> = { sni: 'sni', certhash: 'certhash', 'http-path': 'path' }
const KEYS = ['ip', 'proto', ...Object.values(IN_QUERY)]

/** The URL of a multiaddr text, canonical. BAD_ARGUMENT when that is no address, or `protocol` no protocol id. */
export function peerUrlOf(text: string, protocol?: string): string {
  const parts = [...parseAddress(text)]
  const query: (readonly [string, string])[] = []
  const host = /^(?:ip|dns)/.test(parts[0]?.name ?? '') ? parts.shift() : undefined
  const family = Object.entries(FAMILIES).find(([, name]) => name === host?.name)
  if (family) query.push(['ip', family[0]])
  // What belongs to the first connection alone goes into the query; the rest is a path of peers.
  const rest = parts.findIndex(({ name }) => name === 'p2p' || name === 'p2p-circuit' || name === 'webrtc')
  const stack = parts.splice(0, rest < 0 ? parts.length : rest)
  for (const { name, value } of stack) {
    const key = IN_QUERY[name]
    if (key && value) query.push([key, name === 'http-path' ? decodeURIComponent(value) : value])
  }
  if (protocol !== undefined) query.push(['proto', checkProtocol(protocol, text)])
  const start = host ? `${PREFIX}+${authority(host, stack, text)}` : `${PREFIX}:`
  return `${start}${formatAddress(parts)}${query.map(([key, value], i) => `${i === 0 ? '?' : '&'}${key}=${encode(value)}`).join('')}`
}

function authority(host: AddressPart, stack: readonly AddressPart[], text: string): string {
  const name = host.name === 'ip6' ? `[${host.value}]` : host.value
  if (host.name === 'dnsaddr') return `dnsaddr://${name}`
  const names = stack.map((part) => part.name).filter((one) => !IN_QUERY[one])
  const found = Object.entries(SCHEMES).find(([, scheme]) => scheme.stack.join() === names.join())
  if (!found) throw bad(text, 'has no URL form')
  const [scheme, { port: usual }] = found
  const port = stack[0]?.value
  return `${scheme}://${name}${port === usual ? '' : `:${port}`}`
}

/** The address of a `dmesh:` or `dmesh+…:` URL. BAD_ARGUMENT for any other text: what is not understood is never guessed. */
export function readPeerUrl(url: string): PeerUrl {
  const match = url.length <= MAX_ADDRESS ? URL_TEXT.exec(url) : null
  if (!match) throw bad(url, 'is no dmesh: URL')
  const [, scheme = '', host, port, path = '', search] = match
  const query = readQuery(search, url)
  const start = scheme === '' ? withoutHost(host, url) : firstLeg(scheme.toLowerCase(), host, port, query, url)
  const parts = [...start, ...(path === '' || path === '/' ? [] : parsePath(path, url))]
  checkShape(parts, url)
  const taken = start.filter(({ name }) => IN_QUERY[name]).length + (/^dns[46]$/.test(start[0]?.name ?? '') ? 1 : 0)
  const [proto] = query.get('proto') ?? []
  const given = [...query.values()].flat().length - (proto === undefined ? 0 : 1)
  if (given !== taken) throw bad(url, 'has a query that does not belong to its scheme')
  return { address: formatAddress(parts), ...(proto === undefined ? {} : { protocol: checkProtocol(proto, url) }) }
}

function withoutHost(host: string | undefined, url: string): readonly AddressPart[] {
  if (host === undefined) return []
  throw bad(url, 'has a host, and no scheme that says how to reach it')
}

function firstLeg(scheme: string, host: string | undefined, port: string | undefined, query: Query, url: string): readonly AddressPart[] {
  if (!host) throw bad(url, 'has no host')
  if (scheme === 'dnsaddr') {
    if (port !== undefined) throw bad(url, 'has a port, which dnsaddr finds itself')
    return [{ name: 'dnsaddr', value: readValue('dnsaddr', host, url) }]
  }
  const known = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  if (!known) throw bad(url, `has an unknown scheme "dmesh+${scheme.slice(0, 40)}"`)
  const [base, ...above] = known.stack
  const [sni] = query.get('sni') ?? []
  const hashes = (query.get('certhash') ?? []).map((hash): AddressPart => ({ name: 'certhash', value: readValue('certhash', hash, url) }))
  const stack = above.flatMap((name): readonly AddressPart[] =>
    name === 'tls' && sni !== undefined ? [{ name }, { name: 'sni', value: readValue('sni', sni, url) }] : [{ name }],
  )
  const [path] = query.get('path') ?? []
  const end: readonly AddressPart[] = path === undefined ? [] : [{ name: 'http-path', value: readValue('http-path', encodeURIComponent(path), url) }]
  return [hostPart(host, query, url), { name: base, value: readValue(base, port || known.port, url) }, ...stack, ...hashes, ...end]
}

function hostPart(host: string, query: Query, url: string): AddressPart {
  const [family] = query.get('ip') ?? []
  if (host.startsWith('[')) return { name: 'ip6', value: readValue('ip6', host.slice(1, -1), url) }
  if (family === undefined && /^[\d.]+$/.test(host)) return { name: 'ip4', value: readValue('ip4', host, url) }
  const name = family === undefined ? 'dns' : FAMILIES[family]
  if (!name) throw bad(url, `has ip=${family?.slice(0, 40)}, which is neither 4 nor 6`)
  return { name, value: readValue(name, host, url) }
}

/** The path is the rest of the address. */
function parsePath(path: string, url: string): readonly AddressPart[] {
  try {
    return parseAddress(path)
  } catch (cause) {
    throw Object.assign(bad(url, 'has a path that is no list of peers'), { cause })
  }
}

type Query = ReadonlyMap<string, readonly string[]>

function readQuery(search: string | undefined, url: string): Query {
  const query = new Map<string, string[]>()
  for (const pair of search ? search.split('&') : []) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, Math.max(0, at))
    const value = decode(pair.slice(at + 1))
    if (!KEYS.includes(key) || !value) throw bad(url, `has a query it should not have: "${pair.slice(0, 80)}"`)
    if (query.has(key) && key !== 'certhash') throw bad(url, `says ${key} twice`)
    query.set(key, [...(query.get(key) ?? []), value])
  }
  return query
}

function checkProtocol(protocol: string, text: string): string {
  if (/^\/[\x21-\x7e]{1,120}$/.test(protocol)) return protocol
  throw bad(text, `has no valid protocol: "${protocol.slice(0, 130)}"`)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // half an escape
  }
}

/** A slash needs no escape in a query, and protocol ids are easier to read with it. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/')
}
