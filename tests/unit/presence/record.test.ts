/** Presence records and frames: what is accepted, what is cleaned, and that no bytes from outside can throw anything but our errors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_NAME, MAX_RECORD, MAX_RELAY_FRAME, MAX_SKEW, RECORD_LIFETIME, ROSTER_PART } from '../../../src/discovery/registry/limits.ts'
import { cleanName, type PresenceRecord, parseRecord, signRecord, verifyRecord } from '../../../src/discovery/registry/record.ts'
import { decodePeerFrame, decodeRelayFrame, encodePresence } from '../../../src/discovery/registry/wire.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { fromBase64url, toBase64url, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)

const relay = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const now = 1_800_000_000

function claims(iss: string, more: Partial<PresenceRecord> = {}): PresenceRecord {
  return { iss, aud: relay, mesh: 'lobby', name: 'Ana', kind: 'browser', instance: 'instance-1', start: 1, seq: 0, iat: now, exp: now + 600, ...more }
}

test('a record survives signing and verifying; its text is a compact JWS of three parts', async () => {
  const identity = await createEphemeralIdentity({ seed: new Uint8Array(32).fill(7) })
  const jws = await signRecord(identity, claims(identity.peer))
  assert.match(jws, /^[\w-]+\.[\w-]+\.[\w-]{86}$/)
  assert.deepEqual(JSON.parse(new TextDecoder().decode(fromBase64url(jws.split('.')[0] ?? ''))), { alg: 'EdDSA', typ: 'dmesh-presence+jwt' })
  assert.deepEqual(await verifyRecord(identity.verify, jws, { relay, mesh: 'lobby', now: now * 1000 }), claims(identity.peer))
})

test('any change of one character makes it invalid', async () => {
  const identity = await createEphemeralIdentity()
  const jws = await signRecord(identity, claims(identity.peer))
  for (let at = 0; at < jws.length - 1; at += 7) {
    const other = jws[at] === 'A' ? 'B' : 'A'
    const changed = jws.slice(0, at) + other + jws.slice(at + 1)
    await assert.rejects(verifyRecord(identity.verify, changed, { relay, mesh: 'lobby', now: now * 1000 }), (error) => codeOf(error) === 'BAD_RECORD')
  }
})

test('no other algorithm, no extra header, no missing claim', async () => {
  const identity = await createEphemeralIdentity()
  const payload = toBase64url(toUtf8(JSON.stringify(claims(identity.peer))))
  for (const header of [
    { alg: 'none', typ: 'dmesh-presence+jwt' },
    { alg: 'HS256', typ: 'dmesh-presence+jwt' },
    { alg: 'EdDSA' },
    { alg: 'EdDSA', typ: 'dmesh-presence+jwt', crit: ['x'] },
  ]) {
    const text = `${toBase64url(toUtf8(JSON.stringify(header)))}.${payload}`
    const jws = `${text}.${toBase64url(await identity.sign(toUtf8(text)))}`
    assert.throws(
      () => parseRecord(jws),
      (error) => codeOf(error) === 'BAD_RECORD',
    )
  }
  for (const key of Object.keys(claims(identity.peer))) {
    const broken = { ...claims(identity.peer), [key]: undefined, name: key === 'name' ? undefined : 'x' } as unknown as PresenceRecord
    if (key === 'name') continue
    const jws = await signRecord(identity, broken)
    assert.throws(
      () => parseRecord(jws),
      (error) => codeOf(error) === 'BAD_RECORD',
      key,
    )
  }
})

test('a record counts from an hour before its start, by a wrong clock, to an hour after its end', async () => {
  const identity = await createEphemeralIdentity()
  const [early, late] = [now * 1000 - MAX_SKEW, (now + 600) * 1000 + MAX_SKEW]
  const cases: readonly (readonly [at: number, late: number, code: string | undefined])[] = [
    [early, 0, undefined],
    [early - 1, 0, 'BAD_RECORD'],
    [late, 0, undefined],
    [late + 1, 0, 'OLD_RECORD'],
    [late + 5000, 5000, undefined],
    [late + 5001, 5000, 'OLD_RECORD'],
  ]
  const jws = await signRecord(identity, claims(identity.peer))
  for (const [at, more, code] of cases) {
    const got = await verifyRecord(identity.verify, jws, { relay, mesh: 'lobby', now: at, late: more }).then(() => undefined, codeOf)
    assert.equal(got, code, `${at} ${more}`)
  }
})

test('a record lives at most twice as long as ours, and ends after it starts', async () => {
  const identity = await createEphemeralIdentity()
  for (const [life, code] of [
    [2 * RECORD_LIFETIME, undefined],
    [2 * RECORD_LIFETIME + 1, 'BAD_RECORD'],
    [0, 'BAD_RECORD'],
  ] as const) {
    const jws = await signRecord(identity, claims(identity.peer, { exp: now + life }))
    assert.equal(await verifyRecord(identity.verify, jws, { relay, mesh: 'lobby', now: now * 1000 }).then(() => undefined, codeOf), code)
  }
})

test('a name that its signer did not clean comes back clean', async () => {
  const identity = await createEphemeralIdentity()
  const part = (value: unknown) => toBase64url(toUtf8(JSON.stringify(value)))
  const text = `${part({ alg: 'EdDSA', typ: 'dmesh-presence+jwt' })}.${part(claims(identity.peer, { name: `A\u202en\na${'x'.repeat(100)}` }))}`
  const jws = `${text}.${toBase64url(await identity.sign(toUtf8(text)))}`
  const { name } = await verifyRecord(identity.verify, jws, { relay, mesh: 'lobby', now: now * 1000 })
  assert.equal(name, `An a${'x'.repeat(MAX_NAME - 4)}`)
})

test('the longest record fits its cap, and a full roster part fits a frame', async () => {
  const identity = await createEphemeralIdentity()
  const most = claims(identity.peer, {
    name: '😀'.repeat(MAX_NAME),
    mesh: 'm'.repeat(80),
    kind: 'k'.repeat(16),
    instance: 'i'.repeat(64),
    start: 2 ** 53 - 1,
    seq: 2 ** 53 - 1,
  })
  const jws = await signRecord(identity, most)
  assert.ok(jws.length <= MAX_RECORD, String(jws.length))
  assert.equal(parseRecord(jws).record.name, most.name)
  const entries = Array.from({ length: ROSTER_PART }, () => ({ record: 'x'.repeat(MAX_RECORD), here: false, ago: 2 ** 53 - 1 }))
  assert.ok(encodePresence({ t: 'roster', v: 1, entries, end: false }).byteLength <= MAX_RELAY_FRAME)
})

test('a clean name is one line of at most 64 characters', () => {
  assert.equal(cleanName(' a\t\nb\u202e\u200bc  d '), 'a bc d')
  assert.equal(cleanName('\u0000'), '')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const clean = cleanName(text)
      assert.ok([...clean].length <= MAX_NAME)
      assert.doesNotMatch(clean, /[\p{C}\n]| {2}|^ | $/u)
      assert.equal(cleanName(clean), clean)
    }),
    { numRuns },
  )
})

function throwsOnlyOurs(task: () => unknown): void {
  try {
    task()
  } catch (error) {
    assert.ok(error instanceof MeshError, String(error))
  }
}

test('no text can break the record parser', async () => {
  const identity = await createEphemeralIdentity()
  const good = await signRecord(identity, claims(identity.peer))
  const parts = good.split('.') as [string, string, string]
  const any = fc.oneof(
    fc.string(),
    fc.json().map((json) => `${parts[0]}.${toBase64url(toUtf8(json))}.${parts[2]}`),
    fc.json().map((json) => `${toBase64url(toUtf8(json))}.${parts[1]}.${parts[2]}`),
    fc.tuple(fc.nat(good.length), fc.string()).map(([at, text]) => good.slice(0, at) + text + good.slice(at)),
  )
  fc.assert(
    fc.property(any, (text) => throwsOnlyOurs(() => parseRecord(text))),
    { numRuns },
  )
})

test('no bytes can break the frame decoders', () => {
  const json = fc.oneof(
    fc.jsonValue(),
    fc.record({
      t: fc.constantFrom('hello', 'record', 'roster', 'gone', 'error'),
      v: fc.oneof(fc.constant(1), fc.jsonValue()),
      record: fc.jsonValue(),
      entries: fc.jsonValue(),
      end: fc.boolean(),
      peer: fc.jsonValue(),
    }),
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    json.map((value) => toUtf8(JSON.stringify(value) ?? 'null')),
  )
  fc.assert(
    fc.property(bytes, (frame) => {
      throwsOnlyOurs(() => decodePeerFrame(frame))
      throwsOnlyOurs(() => decodeRelayFrame(frame))
    }),
    { numRuns },
  )
})

test('another version is named as such', () => {
  const frame = toUtf8(JSON.stringify({ t: 'hello', v: 2, mesh: 'lobby', record: '' }))
  assert.throws(
    () => decodePeerFrame(frame),
    (error) => codeOf(error) === 'UNKNOWN_VERSION',
  )
})
