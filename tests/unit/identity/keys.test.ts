/** Every implementation of the two keys (WebCrypto, noble, node:crypto) against RFC 8032 and RFC 7748 and against each other. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Identity } from '../../../src/core/identity.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { loadFileIdentity } from '../../../src/identity/file.node.ts'
import { createIdentity, type SealingKey, type SigningKey, sealingStatement, type VerifyRaw, verifySealing } from '../../../src/identity/keys.ts'
import { namesOf } from '../../../src/identity/names.ts'
import { nobleSealingKey, nobleSigningKey, nobleVerify } from '../../../src/identity/noble.ts'
import { createVerifier, webSealingKey, webSigningKey } from '../../../src/identity/web-crypto.ts'
import { fromHex, toHex } from '../../../src/shared/bytes.ts'

interface Signature {
  readonly about: string
  readonly seed: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
}
interface Agreement {
  readonly about: string
  readonly secret: string
  readonly publicKey: string
  readonly peerPublicKey: string
  readonly shared: string
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/identity.json', import.meta.url), 'utf8')) as {
  readonly ed25519Signatures: readonly Signature[]
  readonly x25519: readonly Agreement[]
}
const hex = (text: string) => fromHex(text) ?? assert.fail(`no hex: ${text}`)

/** RFC 8410 PKCS #8 of 32 secret bytes. */
const pkcs8 = (oid: 0x70 | 0x6e, secret: string) => hex(`302e02010030050603 2b65 ${oid.toString(16)} 04220420`.replaceAll(' ', '') + secret)

const webSigning = async (seed: string, publicKey: string): Promise<SigningKey> =>
  webSigningKey({ privateKey: await crypto.subtle.importKey('pkcs8', pkcs8(0x70, seed), 'Ed25519', false, ['sign']), publicKey: hex(publicKey) })
const webSealing = async (secret: string, publicKey: string): Promise<SealingKey> =>
  webSealingKey({
    privateKey: await crypto.subtle.importKey('pkcs8', pkcs8(0x6e, secret), 'X25519', false, ['deriveBits']),
    publicKey: hex(publicKey),
  })

const verifiers: Readonly<Record<string, VerifyRaw>> = {
  webcrypto: createVerifier(),
  'webcrypto off': createVerifier({ webCrypto: false }),
  noble: nobleVerify(),
}

for (const vector of vectors.ed25519Signatures) {
  const { about, seed, publicKey, message, signature } = vector
  test(`sign() and verify of WebCrypto and noble follow ${about}`, async () => {
    const noble = nobleSigningKey(hex(seed))
    assert.equal(toHex(noble.publicKey), publicKey)
    assert.equal(toHex(await noble.sign(hex(message))), signature)
    assert.equal(toHex(await (await webSigning(seed, publicKey)).sign(hex(message))), signature)
    for (const [name, verify] of Object.entries(verifiers)) {
      assert.equal(await verify(hex(publicKey), hex(message), hex(signature)), true, name)
      assert.equal(await verify(hex(publicKey), hex(`${message}00`), hex(signature)), false, `${name}, other message`)
      for (const at of [0, 31, 32, 63]) {
        const wrong = hex(signature)
        wrong[at] = (wrong[at] as number) ^ 1
        assert.equal(await verify(hex(publicKey), hex(message), wrong), false, `${name}, byte ${at}`)
      }
    }
  })
}

for (const { about, secret, publicKey, peerPublicKey, shared } of vectors.x25519) {
  test(`agree() of WebCrypto and noble follows ${about}`, async () => {
    const noble = nobleSealingKey(hex(secret))
    assert.equal(toHex(noble.publicKey), publicKey)
    assert.equal(toHex(await noble.agree(hex(peerPublicKey))), shared)
    assert.equal(toHex(await (await webSealing(secret, publicKey)).agree(hex(peerPublicKey))), shared)
  })
}

const directory = await mkdtemp(join(tmpdir(), 'dmesh-keys-'))
after(() => rm(directory, { recursive: true }))

test('a file identity made of the RFC keys signs and agrees as the RFCs say', async () => {
  const [signing, sealing] = [vectors.ed25519Signatures[1] as Signature, vectors.x25519[0] as Agreement]
  const jwk = (crv: string, x: string, d: string) => ({
    kty: 'OKP',
    crv,
    x: Buffer.from(x, 'hex').toString('base64url'),
    d: Buffer.from(d, 'hex').toString('base64url'),
  })
  const keys = [jwk('Ed25519', signing.publicKey, signing.seed), jwk('X25519', sealing.publicKey, sealing.secret)]
  await writeFile(join(directory, 'identity.json'), JSON.stringify({ version: 1, keys }), { mode: 0o600 })
  const identity = await loadFileIdentity(directory)
  assert.equal(identity.isNew, false)
  assert.equal(toHex(identity.publicKey), signing.publicKey)
  assert.equal(toHex(await identity.sign(hex(signing.message))), signing.signature)
  assert.equal(toHex(await identity.agree(hex(sealing.peerPublicKey))), sealing.shared)
})

const makers: Readonly<Record<string, () => Promise<Identity>>> = {
  webcrypto: () => createEphemeralIdentity(),
  noble: () => createEphemeralIdentity({ webCrypto: false }),
  seeded: () => createEphemeralIdentity({ seed: new Uint8Array(32).fill(7) }),
  'node:crypto': () => loadFileIdentity(directory),
}

for (const [name, make] of Object.entries(makers)) {
  test(`an Identity by ${name} is understood by every other implementation`, async () => {
    const identity = await make()
    const data = new TextEncoder().encode('any bytes')
    const signature = await identity.sign(data)
    assert.equal(signature.byteLength, 64)
    assert.deepEqual(identity.names, namesOf(identity.publicKey))
    assert.equal(identity.peer, identity.names.peerId)
    for (const [other, makeOther] of Object.entries(makers)) {
      const them = await makeOther()
      assert.equal(await them.verify(identity.peer, data, signature), true, other)
      assert.equal(await them.verify(identity.peer, new Uint8Array(9), signature), false, `${other}, other data`)
      assert.equal(await them.verify(identity.peer, data, signature.subarray(1)), false, `${other}, short signature`)
      assert.equal(await them.verify((await createEphemeralIdentity()).peer, data, signature), false, `${other}, other peer`)
      assert.equal(await them.verify('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', data, signature), false, `${other}, RSA peer`)
      assert.equal(await verifySealing(them, identity.peer, identity.sealing), true, `${other}, certified sealing key`)
      assert.deepEqual(await them.agree(identity.sealing.publicKey), await identity.agree(them.sealing.publicKey), other)
    }
  })

  test(`agree() by ${name} rejects keys without a secret and keys of another length`, async () => {
    const identity = await make()
    for (const bad of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(31), new Uint8Array(0)]) {
      await assert.rejects(identity.agree(bad), { code: 'BAD_ARGUMENT' })
    }
  })

  test(`sign() by ${name} takes a view into a larger buffer`, async () => {
    const identity = await make()
    const whole = new Uint8Array(100).fill(5)
    const signature = await identity.sign(whole.subarray(10, 20))
    assert.equal(await identity.verify(identity.peer, new Uint8Array(10).fill(5), signature), true)
  })
}

test('verifySealing() refuses the sealing key of somebody else and a statement that was not domain-separated', async () => {
  const [ana, bob] = [await createEphemeralIdentity(), await createEphemeralIdentity()]
  assert.equal(await verifySealing(ana, bob.peer, bob.sealing), true)
  assert.equal(await verifySealing(ana, bob.peer, ana.sealing), false)
  assert.equal(await verifySealing(ana, bob.peer, { ...bob.sealing, publicKey: ana.sealing.publicKey }), false)
  const bare = await bob.sign(bob.sealing.publicKey)
  assert.equal(await verifySealing(ana, bob.peer, { publicKey: bob.sealing.publicKey, signature: bare }), false)
  const short = bob.sealing.publicKey.subarray(1)
  const signature = await bob.sign(sealingStatement(short))
  assert.equal(await verifySealing(ana, bob.peer, { publicKey: short, signature }), false)
})

test('createIdentity() refuses a key whose halves do not belong together', async () => {
  const [a, b] = [nobleSigningKey(new Uint8Array(32).fill(1)), nobleSigningKey(new Uint8Array(32).fill(2))]
  const mixed = { publicKey: a.publicKey, sign: b.sign }
  await assert.rejects(
    createIdentity({ signing: mixed, sealing: nobleSealingKey(new Uint8Array(32).fill(3)), verifyRaw: nobleVerify(), isNew: false }),
    { code: 'STORAGE_FAILED' },
  )
})

test('createVerifier() keeps answering rightly for more keys than it caches', async () => {
  const verify = createVerifier()
  const data = new Uint8Array(1)
  const keys = Array.from({ length: 300 }, (_, i) => nobleSigningKey(new Uint8Array(32).fill(i & 255).fill(i >> 8, 0, 1)))
  const signatures = await Promise.all(keys.map((key) => key.sign(data)))
  for (let round = 0; round < 2; round++) {
    for (const [i, key] of keys.entries()) assert.equal(await verify(key.publicKey, data, signatures[i] as Uint8Array<ArrayBuffer>), true)
  }
  assert.equal(await verify(keys[0]?.publicKey as Uint8Array<ArrayBuffer>, data, signatures[1] as Uint8Array<ArrayBuffer>), false)
})

test('createEphemeralIdentity() gives the same peer for the same seed and a new one without', async () => {
  const seed = new Uint8Array(32).fill(9)
  assert.equal((await createEphemeralIdentity({ seed })).peer, (await createEphemeralIdentity({ seed })).peer)
  assert.notEqual((await createEphemeralIdentity()).peer, (await createEphemeralIdentity()).peer)
})
