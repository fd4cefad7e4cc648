/** What two sides of webrtc-direct infer instead of exchanging: ICE credentials in the STUN USERNAME, both SDP texts, certhash and noise prologue (libp2p specs webrtc-direct.md, v1 and v2). Pure; must never let text that is not ICE-safe through. */
import { concat, fromBase64url, toBase64url, toHex, toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_MESSAGE } from './limits.ts'

export type Version = 1 | 2

const PREFIX: Readonly<Record<Version, string>> = { 1: 'libp2p+webrtc+v1/', 2: 'libp2p+webrtc+v2/' }

/** RFC 8839 §5.4: ice-char, ufrag 4 … 256, pwd 22 … 256. Anything else ends the native process. */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const PASSWORD = /^[A-Za-z0-9+/]{22,256}$/

export interface Credentials {
  readonly ufrag: string
  readonly pwd: string
}

export interface Inferred {
  readonly version: Version
  /** The listener's own. */
  readonly server: Credentials
  /** The dialer's. */
  readonly client: Credentials
}

/** Both halves of a STUN USERNAME ("server:client") as the listener got them. Undefined when it is no dial of a version we speak. */
export function inferCredentials(serverUfrag: unknown, clientUfrag: unknown): Inferred | undefined {
  if (typeof serverUfrag !== 'string' || typeof clientUfrag !== 'string') return undefined
  // Each side's password is at least as strict as its ufrag, except the v2 client's ufrag.
  if (!PASSWORD.test(serverUfrag) || !UFRAG.test(clientUfrag)) return undefined
  const server = { ufrag: serverUfrag, pwd: serverUfrag }
  if (serverUfrag.startsWith(PREFIX[1])) return clientUfrag === serverUfrag ? { version: 1, server, client: server } : undefined
  if (!serverUfrag.startsWith(PREFIX[2])) return undefined
  const pwd = serverUfrag.slice(PREFIX[2].length)
  return PASSWORD.test(pwd) ? { version: 2, server, client: { ufrag: clientUfrag, pwd } } : undefined
}

/** v1: one random credential for both sides. v2: the dialer's own password inside the server's. BAD_ARGUMENT when that password is not ICE-safe. */
export function serverUfrag(version: Version, secret: string): string {
  const ufrag = PREFIX[version] + secret
  if (!PASSWORD.test(ufrag) || !(version === 1 || PASSWORD.test(secret)))
    throw new MeshError('BAD_ARGUMENT', 'no ICE password in the local description')
  return ufrag
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** `length` ice-chars, 6 bits each. */
export function randomIceChars(length: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => ALPHABET[byte & 63]).join('')
}

/** Value of one `a=` line, e.g. 'ice-pwd'. */
export function sdpAttribute(sdp: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:([^\\r\\n]*)`, 'm').exec(sdp)?.[1]?.trim()
}

/** The offer with other credentials: v1 only, and only where the browser still allows it. */
export function mungeCredentials(sdp: string, { ufrag, pwd }: Credentials): string {
  return sdp.replace(/^(a=ice-ufrag:)[^\r\n]*/m, `$1${ufrag}`).replace(/^(a=ice-pwd:)[^\r\n]*/m, `$1${pwd}`)
}

/** SHA-256 fingerprint in a description, 32 bytes. BAD_ARGUMENT when there is none. */
export function fingerprintOf(sdp: string): Uint8Array<ArrayBuffer> {
  const [algorithm, text] = (sdpAttribute(sdp, 'fingerprint') ?? '').split(' ')
  return parseFingerprint(algorithm, text)
}

/** "AB:CD:…" of algorithm 'sha-256'. BAD_ARGUMENT for others. */
export function parseFingerprint(algorithm: string | undefined, text: string | undefined): Uint8Array<ArrayBuffer> {
  if (algorithm?.toLowerCase() !== 'sha-256' || !text || !/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i.test(text))
    throw new MeshError('BAD_ARGUMENT', 'no SHA-256 certificate fingerprint')
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16))
}

const SHA256_MULTIHASH = Uint8Array.of(0x12, 0x20)

/** Multibase base64url of the multihash, as in `/certhash/…`. */
export function formatCerthash(digest: Uint8Array): string {
  return `u${toBase64url(concat([SHA256_MULTIHASH, digest]))}`
}

/** 32 bytes of a base64url SHA-256 certhash. BAD_ARGUMENT for anything else. */
export function parseCerthash(text: string): Uint8Array<ArrayBuffer> {
  const bytes = text.startsWith('u') ? fromBase64url(text.slice(1)) : undefined
  if (bytes?.byteLength !== 34 || bytes[0] !== 0x12 || bytes[1] !== 0x20) throw new MeshError('BAD_ARGUMENT', 'certhash is not SHA-256 in base64url')
  return bytes.slice(2)
}

/** Binds the noise handshake to both DTLS certificates, so that nobody can stand between. */
export function noisePrologue(client: Uint8Array, server: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([toUtf8('libp2p-webrtc-noise:'), SHA256_MULTIHASH, client, SHA256_MULTIHASH, server])
}

export interface Site {
  /** IP address text without brackets or zone. */
  readonly host: string
  readonly port: number
}

/** The listener's answer as the dialer makes it up from the multiaddr. */
export function answerSdp(site: Site, server: Credentials, fingerprint: Uint8Array): string {
  return sdpText(site, server, fingerprint, 'passive', true)
}

/** The dialer's offer as the listener makes it up from the STUN request. Its certificate is unknown yet; noise proves it later. */
export function offerSdp(site: Site, client: Credentials): string {
  return sdpText(site, client, new Uint8Array(32), 'active', false)
}

function sdpText({ host, port }: Site, { ufrag, pwd }: Credentials, fingerprint: Uint8Array, setup: 'active' | 'passive', lite: boolean): string {
  const family = host.includes(':') ? 'IP6' : 'IP4'
  const digest = (toHex(fingerprint).toUpperCase().match(/../g) ?? []).join(':')
  return [
    'v=0',
    `o=- 0 0 IN ${family} ${host}`,
    's=-',
    't=0 0',
    ...(lite ? ['a=ice-lite'] : []),
    `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
    `c=IN ${family} ${host}`,
    'a=mid:0',
    'a=ice-options:ice2',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:sha-256 ${digest}`,
    `a=setup:${setup}`,
    'a=sctp-port:5000',
    `a=max-message-size:${MAX_MESSAGE}`,
    `a=candidate:1 1 UDP 2113937151 ${host} ${port} typ host`,
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}
