/** Addresses and URLs are each other's inverse, agree with the reference implementation of multiaddr, and bad ones get BAD_ARGUMENT. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { formatAddress, MAX_ADDRESS, parseAddress } from '../../../src/core/address-parts.ts'
import { peerUrlOf, readPeerUrl } from '../../../src/core/address-url.ts'
import { ipv6Text } from '../../../src/core/host-text.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { addresses, peerSpellings } from '../../support/addresses.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

interface Vectors {
  readonly valid: readonly { readonly address: string; readonly url: string; readonly protocol?: string }[]
  readonly alsoRead: readonly { readonly text: string; readonly address: string }[]
  readonly invalid: readonly { readonly text: string; readonly why: string }[]
}

const VECTORS: Vectors = JSON.parse(readFileSync(new URL('../../vectors/addresses.json', import.meta.url), 'utf8'))
const protocol = fc.option(
  fc
    .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 120 })
    .map((text) => `/${text}`),
  { nil: undefined },
)
const canonical = (text: string) => formatAddress(parseAddress(text))
const read = (text: string) => (text.startsWith('/') ? canonical(text) : readPeerUrl(text).address)

describe('address and URL', () => {
  it('every address goes to a URL and back, with its protocol, and so does that URL', () => {
    fc.assert(
      fc.property(addresses, protocol, (address, proto) => {
        fc.pre(address.length < MAX_ADDRESS / 2)
        const url = peerUrlOf(address, proto)
        assert.deepEqual(readPeerUrl(url), proto === undefined ? { address } : { address, protocol: proto })
        assert.equal(new URL(url).href, url, 'a URL that the platform writes in another way')
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('the reference implementation reads each address as the same text, through bytes too', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        fc.pre(address.length < MAX_ADDRESS)
        assert.equal(canonical(address), address)
        assert.equal(multiaddr(multiaddr(address).bytes).toString(), address)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('whatever text is taken is canonical after one reading; anything else is BAD_ARGUMENT', () => {
    const piece = fc.constantFrom(
      ...['/ip4', '/1.2.3.4', '/01.2.3.4', '/ip6', '/::1', '/::ffff:1.2.3.4', '/dns4', '/a.example', '/tcp', '/udp', '/443', '/070', '/ws', '/wss'],
      ...[
        '/tls',
        '/sni',
        '/quic-v1',
        '/webtransport',
        '/webrtc-direct',
        '/webrtc',
        '/certhash',
        '/p2p-circuit',
        '/p2p',
        '/ipfs',
        '/http',
        '/http-path',
      ],
      ...[
        'dmesh:',
        'dmesh+wss:',
        'dmesh+quic:',
        'dmesh+dnsaddr:',
        '//a.example',
        '//[::1]',
        '//1.2.3.4',
        ':1',
        '?ip=4',
        '?sni=a',
        '&certhash=u',
        '?proto=/x',
        '#',
      ],
      ...['/12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH', '/%2f', '', '/', '//', '__proto__', '/constructor'],
    )
    const pieces = fc.array(piece, { maxLength: 14 }).map((list) => list.join(''))
    const near = fc.tuple(addresses, fc.nat(), fc.string({ maxLength: 2 })).map(([address, at, insert]) => {
      const text = at % 2 ? address : (valueOrCode(() => peerUrlOf(address), ['BAD_ARGUMENT']) ?? address)
      return text.slice(0, at % text.length) + insert + text.slice((at % text.length) + (at % 3))
    })
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), pieces, near), (text) => {
        for (const read of [canonical, (one: string) => readPeerUrl(one).address, (one: string) => readPeerUrl(peerUrlOf(one)).address]) {
          const address = valueOrCode(() => read(text), ['BAD_ARGUMENT'])
          if (address === undefined) continue
          assert.equal(canonical(address), address)
          assert.equal(multiaddr(address).toString(), address)
        }
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('every spelling of a PeerID becomes the base58 one', () => {
    fc.assert(
      fc.property(peerSpellings, ([peer, ...others]) => {
        for (const other of others) assert.equal(canonical(`/p2p/${other}`), `/p2p/${peer}`)
      }),
    )
  })

  it('IPv6 is written as the platform writes it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 }), (groups) => {
        const text = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
        assert.equal(`[${ipv6Text(text)}]`, new URL(`http://[${text}]`).hostname)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('the committed vectors hold', () => {
    for (const { address, url, protocol: proto } of VECTORS.valid) {
      assert.equal(peerUrlOf(address, proto), url)
      assert.deepEqual(readPeerUrl(url), proto ? { address, protocol: proto } : { address })
    }
    for (const { text, address } of VECTORS.alsoRead) assert.equal(read(text), address)
    for (const { text, why } of VECTORS.invalid)
      assert.throws(
        () => read(text),
        (error) => codeOf(error) === 'BAD_ARGUMENT',
        `${text}: ${why}`,
      )
  })
})
