/** dmesh.json for clients on this computer, in the same network, and behind a public name; hosts and forwarding headers. */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHostHeader, resolveHost } from '../../../relay-server/front/hosts.ts'
import type { SiteContext } from '../../../relay-server/front/options.ts'
import { createReadRemote, createTrusted } from '../../../relay-server/front/remote.ts'
import { route } from '../../../relay-server/front/route.ts'
import { buildSite, type SiteFacts } from '../../../relay-server/site.ts'
import { parseSiteConfig } from '../../../src/core/site-config.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const CERT = '/webrtc-direct/certhash/uEiAbc'
const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)

const FACTS: SiteFacts = {
  peer: PEER,
  version: '0.1.0',
  build: 'abc',
  name: 'Home',
  lobby: true,
  quotas: { circuits: 2 },
  direct: [`/ip4/127.0.0.1/udp/8421${CERT}`, `/ip4/192.168.1.7/udp/8421${CERT}`],
  stunPort: 8422,
  publicAddresses: [],
}

function site(host: SiteContext['host'], localAddress: string, facts: Partial<SiteFacts> = {}) {
  const built = buildSite({ ...FACTS, ...facts }, { host, localAddress })
  const read = parseSiteConfig(JSON.parse(JSON.stringify(built)))
  return { addresses: read.addresses.map((address) => address.replace(`/p2p/${PEER}`, '')), stun: read.stun }
}

test('buildSite gives this computer its loopback address before the name', () => {
  const { addresses, stun } = site({ host: 'dmesh.localhost', port: 8421, secure: false, kind: 'app' }, '::ffff:127.0.0.1')
  assert.deepEqual(addresses, ['/ip4/127.0.0.1/tcp/8421/ws', '/dns4/dmesh.localhost/tcp/8421/ws', `/ip4/127.0.0.1/udp/8421${CERT}`])
  assert.deepEqual(stun, ['stun:127.0.0.1:8422'])
})

test('buildSite gives the network the address it used, never loopback', () => {
  const { addresses, stun } = site({ host: '192.168.1.7', port: 8421, secure: false, kind: 'app' }, '192.168.1.7')
  assert.deepEqual(addresses, ['/ip4/192.168.1.7/tcp/8421/ws', `/ip4/192.168.1.7/udp/8421${CERT}`])
  assert.deepEqual(stun, ['stun:192.168.1.7:8422'])
})

test('buildSite gives strangers the public name, and UDP at its addresses', () => {
  const host = { host: 'mesh.example', port: 443, secure: true, kind: 'app' } as const
  const { addresses, stun } = site(host, '127.0.0.1', { publicAddresses: ['203.0.113.9'] })
  assert.deepEqual(addresses, ['/dns4/mesh.example/tcp/443/tls/ws', `/ip4/203.0.113.9/udp/8421${CERT}`])
  assert.deepEqual(stun, ['stun:mesh.example:8422'])
  assert.deepEqual(site(host, '127.0.0.1').addresses, ['/dns4/mesh.example/tcp/443/tls/ws'])
})

test('buildSite leaves out what is switched off', () => {
  const { addresses, stun } = site({ host: '::1', port: 1, secure: false, kind: 'local' }, '::1', { direct: [], stunPort: undefined })
  assert.deepEqual([addresses, stun], [['/ip6/::1/tcp/1/ws'], []])
})

test('resolveHost takes an address only when the client came to it', () => {
  const facts = { secure: false, names: ['mesh.example'] }
  assert.equal(resolveHost({ ...facts, header: '192.168.1.7:8421', localAddress: '192.168.1.7' })?.kind, 'app')
  assert.equal(resolveHost({ ...facts, header: '192.168.1.8:8421', localAddress: '192.168.1.7' }), undefined)
  assert.equal(resolveHost({ ...facts, header: 'MESH.example.', localAddress: '10.0.0.1' })?.host, 'mesh.example')
  assert.equal(resolveHost({ ...facts, header: undefined, localAddress: '10.0.0.1' }), undefined)
})

test('parseHostHeader never throws and never gives an impossible port', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webAuthority(),
        fc.ipV6().map((address) => `[${address}]:80`),
      ),
      (header) => {
        const parsed = parseHostHeader(header, false)
        assert.ok(parsed === undefined || (parsed.host.length > 0 && parsed.port >= 0 && parsed.port <= 65535 && !/[\s/@\\]/.test(parsed.host)))
      },
    ),
    { numRuns: RUNS },
  )
})

test('route never gives a path with dot segments, whatever the target', () => {
  const host = { host: 'dmesh.localhost', port: 1, secure: false, kind: 'app' } as const
  const piece = fc.oneof(
    fc.constantFrom('/', '..', '.', '%2e', '%2E%2e', '%2f', '%5c', '\\', '%00', '//', 'a', '?', '#', '%'),
    fc.string({ maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const answer = route({ method: 'GET', target: pieces.join(''), host, fetchMode: undefined, fetchDest: undefined, accept: undefined })
      if (answer.kind === 'file') assert.doesNotMatch(answer.path, /(^|\/)\.\.?(\/|$)|\0|\\|^[^/]/)
    }),
    { numRuns: RUNS },
  )
})

test('createReadRemote believes trusted proxies from the right, and nobody else', () => {
  const read = (cidrs: string[], address: string, forwardedFor?: string, forwardedProto?: string) =>
    createReadRemote(createTrusted(cidrs))({ address, port: 7, encrypted: false, forwardedFor, forwardedProto })
  assert.deepEqual(read([], '10.0.0.1', '8.8.8.8', 'https'), { address: '10.0.0.1', port: 7, secure: false })
  assert.deepEqual(read(['10.0.0.0/8'], '::ffff:10.0.0.1', '8.8.8.8', 'https'), { address: '8.8.8.8', port: 0, secure: true })
  assert.equal(read(['10.0.0.0/8'], '11.0.0.1', '8.8.8.8', 'https').address, '11.0.0.1')
  assert.equal(read(['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 8.8.8.8, 10.2.2.2').address, '8.8.8.8')
  assert.equal(read(['10.0.0.1'], '10.0.0.1', '1.1.1.1, evil').address, '10.0.0.1')
  assert.equal(read(['fd00::/8'], 'fd00::1', '[2001:db8::5]:443').address, '2001:db8::5')
  assert.equal(read(['10.0.0.1'], '10.0.0.1', undefined, undefined).secure, false)
})

test('createReadRemote gives the socket or an address that no trusted proxy has, whatever the headers say', () => {
  const read = createReadRemote(createTrusted(['10.0.0.0/8', 'fd00::/8']))
  const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.1.1.1', '[fd00::1]:1', 'unknown', '_x', 'fe80::1%eth0'), fc.string())
  const header = fc.option(fc.oneof(fc.array(text, { maxLength: 40 }).map(String), fc.string()), { nil: undefined })
  const socket = fc.constantFrom('10.0.0.1', '::ffff:10.0.0.1', 'fd00::1', '9.9.9.9', 'fe80::1%eth0', '')
  fc.assert(
    fc.property(socket, header, header, fc.boolean(), (address, forwardedFor, forwardedProto, encrypted) => {
      const got = read({ address, port: 7, encrypted, forwardedFor, forwardedProto })
      if (got.port === 7) return assert.equal(got.address, address.replace('::ffff:', ''))
      assert.ok(address.includes('10.0.0.1') || address === 'fd00::1', `${address} spoke for ${got.address}`)
      assert.ok(isIP(got.address) !== 0 && !/^(10\.|fd[0-9a-f]{2}:)/i.test(got.address), got.address)
    }),
    { numRuns: RUNS },
  )
})
