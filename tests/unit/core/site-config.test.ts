/** What a relay says about itself: nothing it says gets past its caps, nor more than BAD_RECORD or UNKNOWN_VERSION out of the parser. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { peerOfAddress } from '../../../src/core/address.ts'
import { parseSiteConfig, type SiteConfig } from '../../../src/core/site-config.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const GOOD: SiteConfig = {
  v: 1,
  peer: PEER,
  version: '0.1.0',
  build: 'abc',
  name: 'Home',
  addresses: [`/dns4/home.example/tcp/443/tls/ws/p2p/${PEER}`],
  stun: ['stun:home.example:8422'],
  quotas: { circuits: 2 },
  lobby: true,
}

const address = fc.oneof(fc.constantFrom(...GOOD.addresses, '/ip4/1.2.3.4/tcp/1/ws'), fc.string())
const near = fc
  .record(
    {
      v: fc.oneof(fc.constant(1), fc.jsonValue()),
      peer: fc.oneof(fc.constant(PEER), fc.jsonValue()),
      name: fc.oneof(fc.string({ maxLength: 300, unit: 'binary' }), fc.jsonValue()),
      addresses: fc.oneof(fc.array(address, { maxLength: 70 }), fc.jsonValue()),
      stun: fc.oneof(fc.array(fc.oneof(fc.constant('stun:a:1'), fc.string()), { maxLength: 10 }), fc.jsonValue()),
      quotas: fc.oneof(fc.dictionary(fc.string(), fc.double(), { maxKeys: 70 }), fc.jsonValue()),
      lobby: fc.oneof(fc.boolean(), fc.jsonValue()),
      ['__proto__']: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((over) => JSON.parse(JSON.stringify({ ...GOOD, ...over })))

test('parseSiteConfig() keeps what is right and leaves out addresses of another peer', () => {
  assert.deepEqual(parseSiteConfig(GOOD), GOOD)
  const other = `/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER.replace('Eyo', 'Eyp')}`
  assert.deepEqual(parseSiteConfig({ ...GOOD, addresses: [other, ...GOOD.addresses] }).addresses, GOOD.addresses)
})

test('parseSiteConfig() names a newer version as such', () => {
  assert.throws(() => parseSiteConfig({ ...GOOD, v: 2 }), { code: 'UNKNOWN_VERSION' })
})

test('parseSiteConfig() gives a site within its caps, or BAD_RECORD or UNKNOWN_VERSION, for any JSON', () => {
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue(), fc.anything()), (value) => {
      const site = valueOrCode(() => parseSiteConfig(value), ['BAD_RECORD', 'UNKNOWN_VERSION'])
      if (!site) return
      assert.ok(site.addresses.length <= 64 && site.addresses.every((text) => text.length <= 1024 && peerOfAddress(text) === site.peer))
      assert.ok(site.stun.length <= 8 && site.stun.every((url) => /^stun:[^\s/?#@]+$/.test(url)))
      assert.ok(site.name.length <= 64 && !/\p{Cc}|\p{Cf}/u.test(site.name))
      assert.ok(Object.values(site.quotas).every(Number.isFinite) && Object.keys(site.quotas).length <= 64)
    }),
    { numRuns: FUZZ_RUNS },
  )
})
