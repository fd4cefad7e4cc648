/** What stands in for the curve in libp2p's part of the browser build: X25519 of RFC 7748, signatures of RFC 8032, and no keys of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { x25519 as known, ed25519 as whole } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { ed25519, x25519 } from '../../../src/identity/without-edwards.ts'
import { Netmask } from '../../../src/mesh/without-netmask.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

test('X25519 multiplies as RFC 7748 §5.2 does, for its numbers and any others', () => {
  const [scalar, u] = [
    hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
    hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
  ]
  assert.deepEqual(x25519.scalarMult(scalar, u), hex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'))
  const agree = fc.property(bytes, bytes, (mine, theirs) => {
    assert.deepEqual(x25519.getPublicKey(mine), known.getPublicKey(mine))
    assert.deepEqual(x25519.getSharedSecret(mine, known.getPublicKey(theirs)), known.getSharedSecret(theirs, x25519.getPublicKey(mine)))
  })
  fc.assert(agree, { numRuns: 25 })
})

test('a point of low order is refused, as it is by the library', () => {
  assert.throws(() => x25519.getSharedSecret(new Uint8Array(32).fill(7), new Uint8Array(32)))
})

test('a signature is checked, and a forged one is not one', async () => {
  const secret = new Uint8Array(32).fill(3)
  const data = new TextEncoder().encode('what was said')
  const signature = new Uint8Array(whole.sign(data, secret))
  const publicKey = new Uint8Array(whole.getPublicKey(secret))
  assert.equal(await ed25519.verify(signature, data, publicKey), true)
  assert.equal(await ed25519.verify(signature.with(0, (signature[0] ?? 0) ^ 1), data, publicKey), false)
  assert.equal(await ed25519.verify(new Uint8Array(3), data, publicKey), false)
})

test('libp2p gets no keys of its own', () => {
  for (const refused of [ed25519.getPublicKey, ed25519.sign, ed25519.utils.randomSecretKey]) assert.throws(refused, { code: 'NOT_SUPPORTED' })
})

test('a range of IPv4 holds what RFC 4632 says it does, and nothing that is no address', () => {
  const holds = (range: string, address: string) => Reflect.construct(Netmask, [range]).contains(address)
  for (const [range, address] of [
    ['10.0.0.0/8', '10.255.255.255'],
    ['172.16.0.0/12', '172.31.0.1'],
    ['192.0.0.8/32', '192.0.0.8'],
    ['240.0.0.0/4', '255.1.2.3'],
  ] as const)
    assert.equal(holds(range, address), true, `${address} in ${range}`)
  for (const [range, address] of [
    ['10.0.0.0/8', '11.0.0.0'],
    ['172.16.0.0/12', '172.32.0.1'],
    ['192.0.0.8/32', '192.0.0.9'],
    ['0.0.0.0/8', '0.0.0'],
    ['0.0.0.0/8', '0.0.0.256'],
    ['0.0.0.0/8', ''],
  ] as const)
    assert.equal(holds(range, address), false, `${address} in ${range}`)
})
