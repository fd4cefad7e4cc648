/** What multiaddr texts say about paths, and the URL forms. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { describeAddress, orderAddresses, peerOfAddress, relayOfAddress, urlToAddress } from '../../../src/core/address.ts'
import { backoff } from '../../../src/core/backoff.ts'
import { choosePath, type Path } from '../../../src/core/path.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const RELAY = '/dns4/home.example/tcp/443/tls/ws/p2p/12D3KooWRelay'

describe('address', () => {
  it('describeAddress tells direct from relayed and names the transport', () => {
    assert.deepEqual(describeAddress(RELAY), { kind: 'direct', transport: 'websocket' })
    assert.deepEqual(describeAddress(`${RELAY}/p2p-circuit/p2p/12D3KooWBen`), { kind: 'relayed', transport: 'websocket', relay: '12D3KooWRelay' })
    assert.deepEqual(describeAddress(`${RELAY}/p2p-circuit/webrtc/p2p/12D3KooWBen`), { kind: 'direct', transport: 'webrtc' })
    assert.equal(describeAddress('/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/uEi/p2p/x').transport, 'webrtc-direct')
    assert.equal(describeAddress('/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/uEi/p2p/x/p2p-circuit').transport, 'webrtc-direct')
  })

  it('peerOfAddress and relayOfAddress read the ends', () => {
    assert.equal(peerOfAddress(`${RELAY}/p2p-circuit/p2p/12D3KooWBen`), '12D3KooWBen')
    assert.equal(relayOfAddress(`${RELAY}/p2p-circuit/p2p/12D3KooWBen`), '12D3KooWRelay')
    assert.equal(peerOfAddress('/ip4/1.2.3.4/tcp/1/ws'), undefined)
  })

  it('no text breaks them: a value, or BAD_ARGUMENT where there is no other form', () => {
    const part = fc.constantFrom(
      '/ip4/',
      '/ip6/',
      '/dns4/',
      '1.2.3.4',
      '::1',
      '/tcp/',
      '/udp/',
      '443',
      '/ws',
      '/tls',
      '/webrtc',
      '/p2p-circuit',
      '/p2p/',
      '12D3KooWBen',
    )
    const text = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (address) => {
        assert.ok(['direct', 'relayed'].includes(describeAddress(address).kind))
        for (const peer of [peerOfAddress(address), relayOfAddress(address)]) assert.ok(peer === undefined || /^[^/]+$/.test(peer))
        assert.deepEqual(orderAddresses([address, address]), [address, address])
        const back = valueOrCode(() => urlToAddress(address), ['BAD_ARGUMENT'])
        assert.ok(back === undefined || back.endsWith('/ws'))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('orderAddresses puts websocket before webrtc-direct', () => {
    const direct = '/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/uEi/p2p/x'
    assert.deepEqual(orderAddresses([direct, RELAY]), [RELAY, direct])
  })

  it('urlToAddress gives the WebSocket behind the URL of a page or of a socket', () => {
    for (const [address, url] of [
      ['/ip4/127.0.0.1/tcp/80/ws', 'ws://127.0.0.1:80/'],
      ['/ip6/::1/tcp/8421/ws', 'ws://[::1]:8421/'],
      ['/dns4/home.example/tcp/443/tls/ws', 'https://home.example/'],
    ] as const)
      assert.equal(urlToAddress(url), address)
    assert.throws(
      () => urlToAddress('ftp://x'),
      (error) => codeOf(error) === 'BAD_ARGUMENT',
    )
  })
})

describe('path', () => {
  const path = (fields: Partial<Path>): Path => ({ id: 'x', kind: 'direct', transport: 'webrtc', since: 0, ...fields })

  it('choosePath prefers direct, then the lower RTT, then the newer one', () => {
    const relayed = path({ id: 'relayed', kind: 'relayed', rtt: 1 })
    const slow = path({ id: 'slow', rtt: 90 })
    const fast = path({ id: 'fast', rtt: 9 })
    assert.equal(choosePath([relayed, slow, fast])?.id, 'fast')
    assert.equal(choosePath([path({ id: 'old' }), path({ id: 'new', since: 1 })])?.id, 'new')
    assert.equal(choosePath([]), undefined)
  })

  it('choosePath never takes a relayed one while a direct one lives', () => {
    const arbitrary = fc.array(
      fc.record({
        id: fc.string(),
        kind: fc.constantFrom('direct' as const, 'relayed' as const),
        rtt: fc.option(fc.nat(), { nil: undefined }),
        since: fc.nat(),
      }),
    )
    fc.assert(
      fc.property(arbitrary, (fields) => {
        const paths = fields.map(path)
        const best = choosePath(paths)
        if (paths.some(({ kind }) => kind === 'direct')) assert.equal(best?.kind, 'direct')
      }),
    )
  })
})

describe('backoff', () => {
  it('grows, stays under its cap, and is 0 for the first try', () => {
    assert.equal(backoff(0, 0.5), 0)
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const ms = backoff(attempt, random, { cap: 5000 })
        assert.ok(ms >= 0 && ms <= 5000)
      }),
    )
    assert.ok(backoff(3, 0) > backoff(2, 0))
  })
})
