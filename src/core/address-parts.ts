/** Multiaddr texts taken apart and checked value by value: what a stranger wrote becomes a list in one canonical spelling, or BAD_ARGUMENT. Pure; must stay out of the worker's first bundle. */
import { fromBase64url } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { hostName, ipv4Text, ipv6Text } from './host-text.ts'
import { peerIdText } from './peer-id-text.ts'

/** One step of an address, e.g. `tcp` with `443`, or `ws` alone. Values are in canonical spelling. */
export interface AddressPart {
  readonly name: PartName
  readonly value?: string
}

type PartName = keyof typeof VALUES

/** Characters of an address in either form. Five circuits with certificates and the longest names fit; what is longer was not written to be dialled. */
export const MAX_ADDRESS = 2_048

/** How the value of each part is read; undefined = the part has none. A reader gives the canonical spelling, or undefined for what is no such value. */
const VALUES = {
  ip4: ipv4Text,
  ip6: ipv6Text,
  dns: hostName,
  dns4: hostName,
  dns6: hostName,
  dnsaddr: hostName,
  tcp: portText,
  udp: portText,
  tls: undefined,
  sni: hostName,
  ws: undefined,
  http: undefined,
  'http-path': pathText,
  'quic-v1': undefined,
  webtransport: undefined,
  'webrtc-direct': undefined,
  certhash: certhashText,
  webrtc: undefined,
  'p2p-circuit': undefined,
  p2p: peerIdText,
} as const satisfies Record<string, ((text: string) => string | undefined) | undefined>

// Spellings that others still write; read, never written.
const ALIASES: Readonly<Record<string, readonly string[]>> = { ipfs: ['p2p'], wss: ['tls', 'ws'], https: ['tls', 'http'] }

const HOST = '(?:ip4|ip6|dns|dns4|dns6)/'
const OVER_TCP = 'tcp/(?:(?:tls/(?:sni/)?)?(?:ws/|http/(?:http-path/)?))?'
const OVER_UDP = 'udp/(?:quic-v1/(?:webtransport/(?:certhash/)*)?|webrtc-direct/(?:certhash/)*)'
const CIRCUIT = 'p2p-circuit/(?:webrtc/)?'
/** What may follow what: one way to the first peer, then circuits, each at the peer before it. A direct WebRTC connection is signalled over one. */
const SHAPE = new RegExp(`^(?:${HOST}(?:${OVER_TCP}|${OVER_UDP})|dnsaddr/)?(?:p2p/)?(?:${CIRCUIT}(?:p2p/${CIRCUIT})*(?:p2p/)?|webrtc/(?:p2p/)?)?$`)

/** BAD_ARGUMENT when it is no address that DMesh knows, with the part that is wrong. */
export function parseAddress(text: string): readonly AddressPart[] {
  if (text.length > MAX_ADDRESS) throw bad(text, `has more than ${MAX_ADDRESS} characters`)
  const [first, ...words] = text.split('/')
  if (first !== '' || words.length === 0) throw bad(text, 'does not start with /')
  const parts: AddressPart[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    for (const name of Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? []) : [word]) {
      if (!Object.hasOwn(VALUES, name)) throw bad(text, `has an unknown part "${name.slice(0, 40)}"`)
      const known = name as PartName
      parts.push(VALUES[known] ? { name: known, value: readValue(known, words[++at], text) } : { name: known })
    }
  }
  checkShape(parts, text)
  return parts
}

/** BAD_ARGUMENT when these parts cannot follow each other. */
export function checkShape(parts: readonly AddressPart[], text: string): void {
  if (parts.length === 0 || !SHAPE.test(parts.map(({ name }) => `${name}/`).join(''))) throw bad(text, 'has parts that cannot follow each other')
}

/** The canonical text of a value of the part `name`. BAD_ARGUMENT. */
export function readValue(name: PartName, word: string | undefined, text: string): string {
  const value = word && VALUES[name]?.(word)
  if (!value) throw bad(text, `has no valid value for ${name}: "${word?.slice(0, 80) ?? ''}"`)
  return value
}

export function bad(text: string, what: string): MeshError {
  return new MeshError('BAD_ARGUMENT', `the address ${what}: ${text.slice(0, 160)}`)
}

export function formatAddress(parts: readonly AddressPart[]): string {
  return parts.map(({ name, value }) => (value === undefined ? `/${name}` : `/${name}/${value}`)).join('')
}

function portText(text: string): string | undefined {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? text : undefined
}

/** Percent-encoded as encodeURIComponent does, without the first slash of the path. */
function pathText(text: string): string | undefined {
  try {
    const path = decodeURIComponent(text)
    return path === '' ? undefined : encodeURIComponent(path)
  } catch {
    return undefined // half an escape, or half a character
  }
}

/** Multibase base64url of a SHA-256 multihash: the only hash that browsers compare a certificate by. */
function certhashText(text: string): string | undefined {
  const bytes = text.startsWith('u') && text.length === 47 ? fromBase64url(text.slice(1)) : undefined
  // 46 characters carry 276 bits of 272: what is left must be zero, so that there is one spelling.
  return bytes?.byteLength === 34 && bytes[0] === 0x12 && bytes[1] === 0x20 && /[AQgw]$/.test(text) ? text : undefined
}
