/** Addresses for property tests: every stack that docs/addresses.md names, with generated hosts, ports, peers, certificates and circuits. */
import fc from 'fast-check'
import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { base64url } from 'multiformats/bases/base64'
import { hostName, ipv6Text } from '../../src/core/host-text.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const multihash = fc.oneof(
  bytes(32).map((key) => Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...key)),
  bytes(33).map((key) => Uint8Array.of(0x00, 0x25, 0x08, 0x02, 0x12, 0x21, ...key)),
  bytes(32).map((hash) => Uint8Array.of(0x12, 0x20, ...hash)),
)

/** PeerIDs of Ed25519, secp256k1 and hashed keys in all their spellings: the canonical one first. */
export const peerSpellings = multihash.map((hash) => {
  const cid = Uint8Array.of(0x01, 0x72, ...hash)
  return [base58btc.baseEncode(hash), base36.encode(cid), base32.encode(cid)] as const
})
const peer = peerSpellings.map(([canonical]) => canonical)

const port = fc.oneof(fc.constantFrom('80', '443', '4001', '0', '65535'), fc.integer({ min: 0, max: 65_535 }).map(String))
const certhash = bytes(32).map((hash) => base64url.encode(Uint8Array.of(0x12, 0x20, ...hash)))
const name = fc.domain().map((text) => hostName(text) ?? 'home.example')
const six = fc.oneof(fc.ipV6(), fc.constantFrom('::', '::1', 'fd64:6d65::1', '1:0:0:2:0:0:0:3'))
const host = fc.oneof(
  fc.ipV4().map((text) => `/ip4/${text}`),
  six.map((text) => `/ip6/${ipv6Text(text) ?? '::1'}`),
  fc.tuple(fc.constantFrom('dns', 'dns4', 'dns6'), name).map(([type, text]) => `/${type}/${text}`),
)

const overTcp = fc.tuple(
  port,
  fc.oneof(
    fc.constantFrom('', '/ws', '/tls/ws', '/http', '/tls/http'),
    name.map((text) => `/tls/sni/${text}/ws`),
    fc
      .string({ minLength: 1, maxLength: 20 })
      .filter((text) => text.isWellFormed())
      .map((text) => `/tls/http/http-path/${encodeURIComponent(text)}`),
  ),
)
const hashes = fc.array(certhash, { maxLength: 3 }).map((list) => list.map((one) => `/certhash/${one}`).join(''))
const overUdp = fc.tuple(
  port,
  fc.oneof(
    fc.constant('/quic-v1'),
    hashes.map((list) => `/quic-v1/webtransport${list}`),
    hashes.map((list) => `/webrtc-direct${list}`),
  ),
)
const first = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(host, overTcp).map(([at, [number, stack]]) => `${at}/tcp/${number}${stack}`) },
  { weight: 4, arbitrary: fc.tuple(host, overUdp).map(([at, [number, stack]]) => `${at}/udp/${number}${stack}`) },
  name.map((text) => `/dnsaddr/${text}`),
  fc.constant(''),
)
const atPeer = fc.option(peer, { nil: undefined }).map((id) => (id ? `/p2p/${id}` : ''))
const circuit = fc.constantFrom('/p2p-circuit', '/p2p-circuit/webrtc')
const circuits = fc
  .tuple(circuit, fc.array(fc.tuple(peer, circuit), { maxLength: 3 }), atPeer)
  .map(([start, more, end]) => `${start}${more.map(([id, one]) => `/p2p/${id}${one}`).join('')}${end}`)
const signalled = atPeer.map((end) => `/webrtc${end}`)

/** Canonical multiaddr texts. */
export const addresses = fc
  .tuple(first, atPeer, fc.oneof(fc.constant(''), circuits))
  .chain(([at, id, more]) => (at === '' && id === '' && more === '' ? signalled : fc.constant(at + id + more)))
