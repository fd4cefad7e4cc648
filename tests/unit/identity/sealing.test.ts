/** Sealing against @hpke/core, an implementation of RFC 9180 by others, both ways, and what must not open. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import fc from 'fast-check'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { openerOf, openSealed, openWith, sealTo, sealWith } from '../../../src/identity/sealing.ts'
import { keysOfSeed } from '../../../src/identity/seed.ts'
import { concat, equal, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
const info = 'dmesh test'

test('@hpke/core opens what sealTo() sealed', async () => {
  const pair = await suite.kem.generateKeyPair()
  const raw = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))
  const sealed = await sealTo(raw, info, toUtf8('the read key'))
  const opened = await suite.open({ recipientKey: pair.privateKey, enc: sealed.slice(0, 32), info: toUtf8(info) }, sealed.slice(32))
  assert.equal(new TextDecoder().decode(opened), 'the read key')
})

test('openSealed() opens what @hpke/core sealed, by WebCrypto and by a seed', async () => {
  for (const opener of [openerOf(await createEphemeralIdentity()), keysOfSeed(new Uint8Array(32).fill(7)).opener]) {
    const recipientPublicKey = await suite.kem.deserializePublicKey(new Uint8Array(opener.publicKey))
    const { ct, enc } = await suite.seal({ recipientPublicKey, info: toUtf8(info) }, toUtf8('from outside'))
    const opened = await openSealed(opener, info, concat([new Uint8Array(enc), new Uint8Array(ct)]))
    assert.equal(new TextDecoder().decode(opened), 'from outside')
  }
})

test('nothing opens for another key, another purpose or a changed byte', async () => {
  const me = openerOf(await createEphemeralIdentity())
  const other = openerOf(await createEphemeralIdentity())
  const sealed = await sealTo(me.publicKey, info, toUtf8('x'))
  const bad = (promise: Promise<unknown>) => assert.rejects(promise, (error) => codeOf(error) === 'BAD_RECORD')
  await bad(openSealed(other, info, sealed))
  await bad(openSealed(me, 'another', sealed))
  for (const at of [0, 33, sealed.length - 1]) await bad(openSealed(me, info, sealed.with(at, (sealed[at] as number) ^ 1)))
  const key = new Uint8Array(32).fill(1)
  const box = await sealWith(key, 'names', 'peer', toUtf8('Ana'))
  assert.ok(equal(await openWith(key, 'names', 'peer', box), toUtf8('Ana')))
  await bad(openWith(key, 'names', 'other', box))
  await bad(openWith(key, 'other', 'peer', box))
  await bad(openWith(key.with(0, 2), 'names', 'peer', box))
})

test('a point of small order is refused, on both sides', async () => {
  const me = openerOf(await createEphemeralIdentity())
  await assert.rejects(sealTo(new Uint8Array(32), info, toUtf8('x')), (error) => codeOf(error) === 'BAD_ARGUMENT')
  await assert.rejects(openSealed(me, info, new Uint8Array(80)), (error) => codeOf(error) === 'BAD_RECORD')
})

test('any bytes open or give BAD_RECORD', async () => {
  const me = openerOf(await createEphemeralIdentity())
  const key = new Uint8Array(32).fill(1)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (bytes) => {
      for (const attempt of [openSealed(me, info, bytes), openWith(key, 'p', 'a', bytes)])
        await attempt.then(
          () => assert.fail('opened'),
          (error: unknown) => assert.equal(codeOf(error), 'BAD_RECORD'),
        )
    }),
    { numRuns: Math.min(FUZZ_RUNS, 20_000) / 10 },
  )
})
