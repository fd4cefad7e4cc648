/** Which TCP addresses of others are dialled. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDialable, parseTcp, tcpAddress } from '../../../src/transports/tcp/addresses.node.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'

test('isDialable() takes addresses of networks, never this computer, a link or a group', () => {
  for (const yes of [
    '/ip4/192.168.1.7/tcp/4001',
    '/ip4/10.0.0.1/tcp/1',
    '/ip4/203.0.113.9/tcp/65535/p2p/12D3',
    '/ip6/2001:db8::1/tcp/4001',
    '/ip6/fd00::2/tcp/9',
  ])
    assert.equal(isDialable(yes), true, yes)
  const no = [
    '/ip4/127.0.0.1/tcp/4001',
    '/ip4/127.8.8.8/tcp/4001',
    '/ip4/0.0.0.0/tcp/4001',
    '/ip4/169.254.169.254/tcp/80',
    '/ip4/224.0.0.251/tcp/1',
    '/ip4/255.255.255.255/tcp/1',
    '/ip6/::1/tcp/4001',
    '/ip6/::/tcp/4001',
    '/ip6/fe80::1/tcp/4001',
    '/ip6/ff02::fb/tcp/1',
    '/ip6/::ffff:127.0.0.1/tcp/1',
    '/ip6/::ffff:7f00:1/tcp/1',
    '/ip4/192.168.1.7/tcp/0',
    '/ip4/192.168.1.7/tcp/70000',
    '/ip4/192.168.1.7/udp/4001',
    '/ip4/192.168.1.7/tcp/4001/ws',
    '/ip4/192.168.1.7/tcp/4001/p2p/12D3/p2p-circuit/p2p/12D3',
    '/ip4/::1/tcp/1',
    '/ip6/10.0.0.1/tcp/1',
    '/dns4/localhost/tcp/4001',
    '/ip4/192.168.1.7.evil/tcp/1',
  ]
  for (const text of no) assert.equal(isDialable(text), false, text)
})

test('parseTcp() and tcpAddress() are each other’s way back, and nothing else passes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      // A dotted tail is another spelling of the same.
      fc.pre(!(host.includes(':') && host.includes('.')) && !host.startsWith('::ffff:'))
      assert.deepEqual(parseTcp(tcpAddress({ host, port })), { host, port })
    }),
    { numRuns: FUZZ_RUNS },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const found = parseTcp(text)
      assert.ok(!found || /^\/ip[46]\//.test(text))
    }),
    { numRuns: FUZZ_RUNS },
  )
})
