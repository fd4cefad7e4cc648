/** Key pairs without a table: the numbers of RFC 7748 §6.1, and those of the library for any seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pureJsCrypto } from '@libp2p/noise'
import { quickKeys } from '../../../src/mesh/quick-keys.ts'

test('a key pair from a seed is that of RFC 7748 §6.1', () => {
  const secret = Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', 'hex')
  const { publicKey } = quickKeys.generateX25519KeyPairFromSeed(secret)
  assert.equal(Buffer.from(publicKey).toString('hex'), '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
})

test('a new key pair is new, belongs together, and agrees with one of the library', () => {
  const [mine, other] = [quickKeys.generateX25519KeyPair(), quickKeys.generateX25519KeyPair()]
  assert.notDeepEqual(mine.privateKey, other.privateKey)
  assert.deepEqual(pureJsCrypto.generateX25519KeyPairFromSeed(mine.privateKey), mine)
  const theirs = pureJsCrypto.generateX25519KeyPair()
  assert.deepEqual(
    quickKeys.generateX25519SharedKey(mine.privateKey, theirs.publicKey),
    pureJsCrypto.generateX25519SharedKey(theirs.privateKey, mine.publicKey),
  )
})
