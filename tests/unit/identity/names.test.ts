/** Names of a public key against vectors of older DMesh, go-ipfs and an independent computation, and against js-libp2p's own PeerID. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isIPv6, SocketAddress } from 'node:net'
import { test } from 'node:test'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { base36 } from 'multiformats/bases/base36'
import { canonicalPeer, ipv6Text, namesOf, oldNamesOf, publicKeyOfPeer } from '../../../src/identity/names.ts'
import { toHex } from '../../../src/shared/bytes.ts'

interface NameVector {
  readonly about: string
  readonly publicKey: string
  readonly [name: string]: string
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/identity.json', import.meta.url), 'utf8')) as {
  readonly ed25519: readonly NameVector[]
  readonly p256: readonly NameVector[]
  readonly notEd25519: readonly { readonly about: string; readonly peer: string }[]
}
const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

for (const { about, publicKey, cidBase32, ...names } of vectors.ed25519) {
  test(`namesOf() gives the committed names of ${about}`, () => {
    assert.deepEqual(namesOf(Buffer.from(publicKey, 'hex')), names)
  })
  test(`publicKeyOfPeer() reads every spelling of ${about}`, () => {
    for (const spelling of [names.peerId, names.cid, cidBase32]) {
      assert.equal(toHex(publicKeyOfPeer(spelling as string) ?? new Uint8Array()), publicKey)
      assert.equal(canonicalPeer(spelling as string), names.peerId)
    }
  })
}

for (const { about, publicKey, ...names } of vectors.p256) {
  test(`oldNamesOf() gives the committed names of the P-256 key of ${about}`, () =>
    assert.deepEqual(oldNamesOf(Buffer.from(publicKey, 'hex')), names))
}

test('the names of the vectors are what the interop notes say', () => {
  const [seed] = vectors.ed25519
  assert.equal(seed?.peerId, '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH')
  assert.equal(seed?.publicKey, Buffer.from('CAESIKDiPwvGLhme8Hl8CGT3GqD0NDufr/9REulmjSfiRQXQ', 'base64').subarray(4).toString('hex'))
  assert.equal(vectors.p256[0]?.oldVip, 'fd00::9658:d3b5:8036:d99c')
  assert.equal(vectors.p256[0]?.oldId, 'YNRQUEPYRALXDMI7VLNZJTLGBQLXOV4AHIJLUA2H2GUQF2BC5EAQ')
})

for (const { about, peer } of vectors.notEd25519) {
  test(`publicKeyOfPeer() gives undefined for: ${about}`, () => {
    assert.equal(publicKeyOfPeer(peer), undefined)
    assert.equal(canonicalPeer(peer), undefined)
  })
}

test('namesOf() agrees with js-libp2p on PeerID and CID for keys of any bytes', () => {
  const run = (publicKey: Uint8Array) => {
    const names = namesOf(publicKey)
    const peer = peerIdFromPublicKey(publicKeyFromRaw(publicKey))
    assert.equal(names.peerId, peer.toString())
    assert.equal(names.cid, peer.toCID().toString(base36))
    assert.equal(names.oldId.length, 52)
    assert.ok(names.cid.length <= 63, 'fits a DNS label')
    assert.ok(isIPv6(names.vip) && names.vip.startsWith('fd64:6d65:'))
  }
  fc.assert(fc.property(key32, run), { numRuns: Math.min(numRuns, 1000) })
})

test('publicKeyOfPeer() is the inverse of namesOf()', () => {
  const run = (publicKey: Uint8Array) => {
    const { peerId, cid } = namesOf(publicKey)
    assert.deepEqual(publicKeyOfPeer(peerId), new Uint8Array(publicKey))
    assert.deepEqual(publicKeyOfPeer(cid), new Uint8Array(publicKey))
  }
  fc.assert(fc.property(key32, run), { numRuns: Math.min(numRuns, 1000) })
})

test('publicKeyOfPeer() never throws, and whatever it accepts is spelled canonically or is a CID', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 120 }),
    fc.tuple(fc.constantFrom('1', '12D3KooW', 'k51qzi5uqu5', 'b', 'bafz', 'z'), fc.base64String({ maxLength: 70 })).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (peer) => {
      const publicKey = publicKeyOfPeer(peer)
      if (publicKey) assert.ok(peer === namesOf(publicKey).peerId || /^[kb]/.test(peer))
    }),
    { numRuns },
  )
})

test('publicKeyOfPeer() gives bytes of its own, and looks at no text that is longer than any PeerID', () => {
  const { peerId, cid } = namesOf(new Uint8Array(32).fill(7))
  for (const peer of [peerId, cid]) assert.equal(publicKeyOfPeer(peer)?.buffer.byteLength, 32)
  const start = performance.now()
  assert.equal(publicKeyOfPeer(`1${'z'.repeat(60_000)}`), undefined)
  assert.ok(performance.now() - start < 500, 'it was decoded, which takes seconds')
})

test('namesOf() and oldNamesOf() reject a key of another length', () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => namesOf(new Uint8Array(length)), { code: 'BAD_ARGUMENT' })
    assert.throws(() => oldNamesOf(new Uint8Array(length)), { code: 'BAD_ARGUMENT' })
  }
  assert.throws(() => namesOf(new Uint8Array(65).fill(4)), { code: 'BAD_ARGUMENT' }, 'a P-256 key has only the older names')
  assert.throws(() => oldNamesOf(new Uint8Array(65).fill(2)), { code: 'BAD_ARGUMENT' }, 'a P-256 key starts with 04')
})

test('ipv6Text() follows RFC 5952', () => {
  const cases = {
    '20010db8000000000000000000000001': '2001:db8::1', // §4.2.1 shorten as much as possible
    '20010db8000000010001000100010001': '2001:db8:0:1:1:1:1:1', // §4.2.2 one group is no run
    '20010000000000010000000000000001': '2001:0:0:1::1', // §4.2.3 the longest run
    '20010db8000000000001000000000001': '2001:db8::1:0:0:1', // §4.2.3 the first of equal runs
    '00000000000000000000000000000000': '::',
    '00000000000000000000000000000001': '::1',
    fd000000000000000000000000000000: 'fd00::',
    ABCDEF00000000000000000000000ABC: 'abcd:ef00::abc', // §4.3 lower case
  }
  for (const [hex, text] of Object.entries(cases)) assert.equal(ipv6Text(Buffer.from(hex, 'hex')), text)
  assert.throws(() => ipv6Text(new Uint8Array(15)), { code: 'BAD_ARGUMENT' })
})

test('ipv6Text() agrees with the system on any address', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      // Addresses with an IPv4 tail have a spelling of their own (§5), which no address of ours can have.
      fc.pre(groups.slice(0, 5).some((part) => part !== 0))
      const bytes = Buffer.alloc(16)
      for (const [i, part] of groups.entries()) bytes.writeUInt16BE(part, 2 * i)
      const long = groups.map((part) => part.toString(16)).join(':')
      assert.equal(ipv6Text(bytes), new SocketAddress({ address: long, family: 'ipv6' }).address)
    }),
    { numRuns },
  )
})
