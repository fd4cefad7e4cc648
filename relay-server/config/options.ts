/** Every option of `dmesh relay`, as data: flag, DMESH_* name, file key, default, check and the text of --help. Pure. */
import { isIP } from 'node:net'
import type { LogLevel } from '../../src/shared/log.ts'
import { MAX_KAD_ORIGINS } from '../limits.ts'

export interface HostPort {
  /** A name or an IP address without brackets. */
  readonly host: string
  /** 0 = any free one. */
  readonly port: number
}

/** How one option is written and checked. `parse` gets every text that was given (one, unless `many`) and throws a plain Error with a sentence about the value. */
export interface OptionSpec<T> {
  /** Placeholder in --help; absent = a switch. */
  readonly value?: string
  readonly many?: true
  /** For --help. */
  readonly default: string
  readonly doc: string
  readonly parse: (texts: readonly string[]) => T
}

export const DEFAULT_LISTEN: HostPort = { host: '127.0.0.1', port: 8421 }

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error', 'off']
const MAX_NAME = 64 // characters; the mesh cuts names there
const MAX_CIDRS = 64 // proxies in front of one relay

export const OPTIONS = {
  listen: option({
    value: 'HOST:PORT',
    default: '127.0.0.1:8421',
    doc: 'Where the page and the WebSocket are served. 0.0.0.0:PORT or [::]:PORT for every network of this computer; port 0 takes a free one.',
    parse: (texts) => parseHostPort(last(texts)),
  }),
  'data-dir': option({
    value: 'DIR',
    default: './data in a clone, else $XDG_STATE_HOME/dmesh',
    doc: 'Key, certificate, records, local API. Made with mode 0700. One relay at a time.',
    parse: (texts) => nonEmpty(last(texts), 'a directory'),
  }),
  'public-url': option({
    value: 'URL',
    default: 'none',
    doc: 'The address under which people reach this relay, e.g. https://mesh.example, when a proxy or a router stands in front of it.',
    parse: (texts) => parseOrigin(last(texts)),
  }),
  'tls-cert': option({
    value: 'FILE',
    default: 'none',
    doc: 'Certificate chain (PEM). With --tls-key the relay serves https itself.',
    parse: (texts) => nonEmpty(last(texts), 'a file'),
  }),
  'tls-key': option({
    value: 'FILE',
    default: 'none',
    doc: 'Private key of --tls-cert (PEM), not readable by everybody.',
    parse: (texts) => nonEmpty(last(texts), 'a file'),
  }),
  'trust-proxy': option({
    value: 'CIDR',
    many: true,
    default: 'none',
    doc: 'Believe X-Forwarded-For and X-Forwarded-Proto of requests from these addresses. May be repeated. Without it they are ignored.',
    parse: parseCidrs,
  }),
  lobby: option({
    default: 'on for loopback and private addresses, off for public ones',
    doc: 'Let everybody who opens the page meet in one public mesh. --no-lobby switches it off.',
    parse: (texts) => parseSwitch(last(texts)),
  }),
  admin: option({
    value: 'HOST:PORT|off',
    default: '127.0.0.1, two above the port of --listen',
    doc: 'Metrics and health for the operator. Keep it on a loopback address.',
    parse: (texts) => (last(texts) === 'off' ? ('off' as const) : parseHostPort(last(texts))),
  }),
  udp: option({
    value: 'PORT|off',
    default: 'the port of --listen',
    doc: 'UDP port of direct WebRTC to this relay. With --public-url it listens on every address, since no proxy carries UDP.',
    parse: (texts) => parsePortOrOff(last(texts)),
  }),
  tcp: option({
    value: 'PORT|off',
    default: 'off',
    doc: 'TCP port for terminals and other libp2p programs, which reach this relay there in fewer round trips than over WebSocket. Browsers cannot use it. Listens where --udp does.',
    parse: (texts) => parsePortOrOff(last(texts)),
  }),
  mdns: option({
    default: 'off',
    doc: 'Announce this relay to the networks this computer is in, and connect to libp2p programs that announce themselves there (mDNS, _p2p._udp). Others find it over TCP: say --tcp too.',
    parse: (texts) => parseSwitch(last(texts)),
  }),
  kad: option({
    value: 'ORIGIN|off',
    many: true,
    default: 'answers questions, asks nobody',
    doc: 'Another relay with which this one finds peers, such as https://relay.example. May be repeated; each tells the others who is in its lobby. off: not even questions are answered.',
    parse: parseRelays,
  }),
  stun: option({
    value: 'PORT|off',
    default: 'one above the port of --listen',
    doc: 'UDP port where browsers learn their public address (STUN). Listens where --udp does.',
    parse: (texts) => parsePortOrOff(last(texts)),
  }),
  log: option({
    value: 'LEVEL|sub=LEVEL,…',
    default: 'info',
    doc: 'debug, info, warn, error or off; for one subsystem: --log info,relay=debug. Changeable while running: dmesh log SUB LEVEL.',
    parse: (texts) => parseLevels(last(texts)),
  }),
  name: option({
    value: 'NAME',
    default: 'the host name',
    doc: 'What this relay calls itself in the page.',
    parse: (texts) => parseName(last(texts)),
  }),
} as const

export type OptionName = keyof typeof OPTIONS
export type OptionValues = { readonly [K in OptionName]?: ReturnType<(typeof OPTIONS)[K]['parse']> }
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[]

/** `data-dir` → `DMESH_DATA_DIR`. */
export function envName(name: OptionName): string {
  return `DMESH_${name.toUpperCase().replaceAll('-', '_')}`
}

function option<T>(spec: OptionSpec<T>): OptionSpec<T> {
  return spec
}

function last(texts: readonly string[]): string {
  return (texts.at(-1) ?? '').trim()
}

function nonEmpty(text: string, what: string): string {
  if (!text) throw new Error(`is empty; give ${what}`)
  return text
}

/** Origins of other relays, or off. */
function parseRelays(texts: readonly string[]): readonly string[] | 'off' {
  const list = texts.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean)
  if (list.join() === 'off') return 'off'
  if (list.length > MAX_KAD_ORIGINS) throw new Error(`names more than ${MAX_KAD_ORIGINS} relays; a few are enough, they tell of the others`)
  return list.map(parseOrigin)
}

/** `host:port`, `[v6]:port`. A plain Error when it is anything else. */
export function parseHostPort(text: string): HostPort {
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (!host || !(port <= 65535) || (v6 && isIP(v6) !== 6)) throw new Error(`is "${text}"; write HOST:PORT, e.g. 127.0.0.1:8421 or [::]:8421`)
  return { host, port }
}

function parsePortOrOff(text: string): number | 'off' {
  if (text === 'off') return 'off'
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new Error(`is "${text}"; write a port from 0 to 65535, or off`)
  return Number(text)
}

function parseSwitch(text: string): boolean {
  if (['true', '1', 'on', 'yes'].includes(text)) return true
  if (['false', '0', 'off', 'no'].includes(text)) return false
  throw new Error(`is "${text}"; write true or false`)
}

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/' && !url.search && !url.hash && !url.username
  if (!plain) throw new Error(`is "${text}"; write scheme and host only, e.g. https://mesh.example`)
  return url.origin
}

function parseCidrs(texts: readonly string[]): readonly string[] {
  const list = texts.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean)
  if (list.length > MAX_CIDRS) throw new Error(`names ${list.length} networks; at most ${MAX_CIDRS}`)
  for (const text of list) {
    const [address = '', bits, ...more] = text.split('/')
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    if (!family || more.length > 0 || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most))) {
      throw new Error(`is "${text}"; write an address or a network, e.g. 127.0.0.1 or 10.0.0.0/8`)
    }
    if (bits === '0') throw new Error(`is "${text}": that believes everybody; name the address of your proxy`)
  }
  return list
}

/** `info`, `relay=debug`, `info,relay=debug` → level by subsystem, '*' for the rest. */
export function parseLevels(text: string): Readonly<Record<string, LogLevel | 'off'>> {
  const out: Record<string, LogLevel | 'off'> = { '*': 'info' }
  for (const part of text.split(',').map((one) => one.trim())) {
    const [subsystem, level] = part.includes('=') ? part.split('=') : ['*', part]
    if (!subsystem || !/^(\*|[a-z][a-z0-9-]{0,31})$/.test(subsystem) || !level || !LEVELS.includes(level)) {
      throw new Error(`has "${part}"; write ${LEVELS.join(', ')}, or a subsystem and a level as in relay=debug`)
    }
    out[subsystem] = level as LogLevel | 'off'
  }
  return out
}

function parseName(text: string): string {
  if (!text || [...text].length > MAX_NAME || /\p{Cc}|\p{Cf}/u.test(text)) throw new Error(`must be 1 to ${MAX_NAME} visible characters`)
  return text
}
