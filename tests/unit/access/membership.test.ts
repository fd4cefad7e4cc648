/** Certificates, lists of removed, invites, claims and mesh documents: what holds, what must not, and any bytes. */
import assert from 'node:assert/strict'
import test, { before } from 'node:test'
import fc from 'fast-check'
import { makeInvite, readLink, readToken, roleOfToken, signClaim, verifyClaim, verifyToken } from '../../../src/access/invite.ts'
import { makeRoot, randomKey } from '../../../src/access/keyring.ts'
import { isRemoved, signCertificate, signRemoved, verifyChain, verifyRemoved } from '../../../src/access/membership.ts'
import { makeDocument, openOwnShare, openProfile, readDocument, sealShare } from '../../../src/access/profile.ts'
import type { Identity } from '../../../src/core/identity.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { keysOfSeed } from '../../../src/identity/seed.ts'
import { fromBase64url, toBase64url, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf, type ErrorCode } from '../../../src/shared/errors.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const NOW = 1_795_000_000_000
const user = keysOfSeed(new Uint8Array(32).fill(1))
let ana: Identity
let ben: Identity
let root: Awaited<ReturnType<typeof makeRoot>>
const rejects = (promise: Promise<unknown>, code: ErrorCode) => assert.rejects(promise, (error) => codeOf(error) === code)
const invite = (change: Partial<Parameters<typeof makeInvite>[1]> = {}, signer: Identity = ana) =>
  makeInvite(signer, {
    mesh: root.id,
    meshName: 'Family',
    from: 'Ana',
    role: 'guest',
    opens: '/files',
    uses: 1,
    until: NOW + 1000,
    now: NOW,
    claimRelay: { peer: user.peer, origin: 'https://home.example' },
    relays: [],
    epoch: 1,
    readKey: new Uint8Array(32).fill(9),
    ...change,
  })
before(async () => {
  ana = await createEphemeralIdentity()
  ben = await createEphemeralIdentity()
  root = await makeRoot(ana, user, NOW)
})
const certify = (signer: { peer: string; sign: Identity['sign'] }, sub: string, own = false, epoch = 1) =>
  signCertificate(signer, { sub, mesh: root.id, epoch, own, now: NOW })

test('verifyChain() accepts mesh key → user key → device → member, and says who owns', async () => {
  assert.deepEqual((await verifyChain(ana.verify, root.id, root.chain, NOW)).owner, true)
  const member = await verifyChain(ana.verify, root.id, [...root.chain, await certify(ana, ben.peer)], NOW)
  assert.deepEqual({ peer: member.peer, owner: member.owner }, { peer: ben.peer, owner: false })
})

test('verifyChain() refuses forged, foreign, cut, expired and over-long chains', async () => {
  const member = await certify(ana, ben.peer)
  const carl = await createEphemeralIdentity()
  const other = await makeRoot(carl, user, NOW)
  const bad: readonly (readonly string[])[] = [
    [],
    root.chain.slice(1), // not from the mesh key
    [member],
    [...root.userChain, member], // a link is missing
    [...root.chain, member, await certify(ben, carl.peer)], // a member certifies
    [...root.chain, await certify(carl, ben.peer)], // somebody else's signature
    other.chain, // another mesh
    [...root.chain, `${member.slice(0, -4)}AAAA`], // signature changed
    Array.from({ length: 9 }, () => root.chain[0] as string),
  ]
  for (const chain of bad) await rejects(verifyChain(ana.verify, root.id, chain, NOW), 'WRONG_MESH')
  await rejects(verifyChain(ana.verify, root.id, root.chain, NOW + 11 * 365 * 86_400_000), 'WRONG_MESH')
  await rejects(verifyChain(ana.verify, root.id, root.chain, NOW - 2 * 3_600_000), 'WRONG_MESH')
})

test('a removed peer and what it certified are out, until it is certified anew', async () => {
  const chain = [...root.chain, await certify(ana, ben.peer, true)]
  const below = [...chain, await certify(ben, user.peer)]
  const list = await signRemoved(ana, { mesh: root.id, seq: 2, floors: { [ben.peer]: 2 }, by: root.chain, now: NOW })
  const { floors } = await verifyRemoved(ana.verify, root.id, list, NOW)
  for (const gone of [chain, below]) assert.equal(isRemoved(await verifyChain(ana.verify, root.id, gone, NOW), floors), true)
  const back = await verifyChain(ana.verify, root.id, [...root.chain, await certify(ana, ben.peer, false, 2)], NOW)
  assert.equal(isRemoved(back, floors), false)
  const forged = await signRemoved(ben, { mesh: root.id, seq: 3, floors: { [ana.peer]: 9 }, by: root.chain, now: NOW })
  await rejects(verifyRemoved(ana.verify, root.id, forged, NOW), 'WRONG_MESH')
})

test('a link says what it opens to who holds it, and role and names are nowhere in the token', async () => {
  const { link } = await invite()
  const read = await readLink(ben.verify, `Come in: ${link} see you`, NOW)
  assert.deepEqual(read.look, { mesh: root.id, meshName: 'Family', from: 'Ana', relays: ['https://home.example'], role: 'guest', until: NOW + 1000 })
  assert.equal(read.opens, '/files')
  const inside = new TextDecoder().decode(fromBase64url(read.token.split('.')[1] ?? ''))
  for (const secret of ['Family', 'Ana"', 'guest', 'files', link.slice(-43)]) assert.ok(!inside.includes(secret), secret)
  assert.equal(await roleOfToken(read.claims, new Uint8Array(32).fill(9)), 'guest')
  await rejects(roleOfToken(read.claims, new Uint8Array(32)), 'WRONG_MESH')
})

test('readLink() refuses what is cut, changed, mixed or over', async () => {
  const [one, two] = [(await invite()).link, (await invite()).link]
  for (const link of ['', 'https://home.example/', one.slice(0, -1), `${one}A`, one.slice(0, -43) + two.slice(-43), one.replace('=ey', '=ez')])
    await rejects(readLink(ana.verify, link, NOW), 'INVITE_INVALID')
  await rejects(readLink(ana.verify, one, NOW + 1000), 'INVITE_EXPIRED')
  const forged = readToken((await readLink(ana.verify, one, NOW)).token)
  const other = await invite({}, { ...ben, peer: forged.iss })
  await rejects(readLink(ana.verify, other.link, NOW), 'INVITE_INVALID')
})

test('a claim is worth nothing to another joiner or for another token', async () => {
  const read = await readLink(ana.verify, (await invite()).link, NOW)
  const claim = await signClaim(read, ben.peer)
  await verifyClaim(ana.verify, read.claims, claim, ben.peer)
  await rejects(verifyClaim(ana.verify, read.claims, claim, ana.peer), 'INVITE_INVALID')
  await rejects(verifyClaim(ana.verify, read.claims, { ...claim, nonce: toBase64url(new Uint8Array(16)) }, ben.peer), 'INVITE_INVALID')
  const second = await readLink(ana.verify, (await invite()).link, NOW)
  await rejects(verifyClaim(ana.verify, second.claims, { ...claim, token: second.token }, ben.peer), 'INVITE_INVALID')
})

test('a document opens for its members alone, and a changed or borrowed part is refused', async () => {
  const readKey = randomKey()
  const member = (of: Identity) => ({ p: of.peer, k: toBase64url(of.sealing.publicKey), r: 'owner' as const, s: 1 })
  const profile = { mesh: root.id, epoch: 1, seq: 1, iat: 1, name: 'Family', members: [member(ana)], spent: {}, floors: {}, by: [...root.chain] }
  const to = { [ana.peer]: await sealShare(profile, member(ana), { readKey, chain: root.chain }) }
  const text = await makeDocument(ana, profile, readKey, to)
  assert.ok(!text.includes('Family'))
  const document = readDocument(text)
  const share = await openOwnShare(document, ana)
  assert.deepEqual(share, { readKey, chain: root.chain })
  assert.equal((await openProfile(ana.verify, document, readKey, NOW)).name, 'Family')
  assert.equal(await openOwnShare(document, ben), undefined)
  await rejects(openOwnShare({ ...document, to: { [ben.peer]: to[ana.peer] as string } }, ben), 'WRONG_MESH')
  await rejects(openProfile(ana.verify, document, randomKey(), NOW), 'WRONG_MESH')
  await rejects(openProfile(ana.verify, { ...document, seq: 2 }, readKey, NOW), 'WRONG_MESH')
  const byMember = await makeDocument(ben, profile, readKey, to)
  await rejects(openProfile(ana.verify, readDocument(byMember), readKey, NOW), 'WRONG_MESH')
})

test('any text and near misses give a value or a code', async () => {
  const { link } = await invite()
  const { token } = await readLink(ana.verify, link, NOW)
  const [header = '', , mac = ''] = token.split('.')
  const payload = fc.oneof(
    fc.jsonValue(),
    fc
      .record({ key: fc.constantFrom('iss', 'uses', 'box', 'exp'), value: fc.jsonValue() })
      .map(({ key, value }) => ({ ...readToken(token), [key]: value })),
  )
  const texts = fc.oneof(
    fc.string({ maxLength: 200 }),
    payload.map((value) => `${header}.${toBase64url(toUtf8(JSON.stringify(value)))}.${mac}`),
    payload.map((value) => JSON.stringify({ v: 1, mesh: root.id, epoch: 1, seq: 1, to: value, box: 'x' })),
  )
  fc.assert(
    fc.property(texts, (text) => {
      valueOrCode(() => readToken(text), ['INVITE_INVALID'])
      valueOrCode(() => readDocument(text), ['WRONG_MESH', 'UNKNOWN_VERSION'])
    }),
    { numRuns: FUZZ_RUNS },
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.nat(link.length), async (text, at) => {
      const attempts: readonly (() => Promise<unknown>)[] = [
        () => verifyToken(ana.verify, text, NOW),
        () => verifyChain(ana.verify, root.id, [text], NOW),
        () => verifyRemoved(ana.verify, root.id, text, NOW),
        () => readLink(ana.verify, link.slice(0, at) + text + link.slice(at + 1), NOW),
      ]
      for (const attempt of attempts)
        await attempt().catch((error: unknown) =>
          assert.ok(['INVITE_INVALID', 'INVITE_EXPIRED', 'WRONG_MESH'].includes(codeOf(error)), String(error)),
        )
    }),
    { numRuns: FUZZ_RUNS / 20 },
  )
})
