/** The DHT's messages and entries: as libp2p's kad-dht has them on the wire, entries that prove themselves, and no bytes that throw anything but our codes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Entry, keyOf, openEntry, parseEntry, signEntry } from '../../../src/discovery/kad/entry.ts'
import { CLOSER, ENTRY_LIFETIME, MAX_ADDRESSES, MAX_ENTRY, MAX_KEY, MAX_MESSAGE, MAX_SKEW } from '../../../src/discovery/kad/limits.ts'
import { decodeKad, encodeKad, type KadMessage, TYPE } from '../../../src/discovery/kad/wire.ts'
import { signRecord } from '../../../src/discovery/registry/record.ts'
import { createRecordCheck } from '../../../src/discovery/registry/record-check.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { concat, fromHex, fromUtf8, toBase64url, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { bytesField, numberField } from '../../../src/wire/protobuf.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly message: { readonly type: KadMessage['type']; readonly key: string; readonly value?: string; readonly closer: KadMessage['closer'] }
}

const VECTORS = JSON.parse(readFileSync(new URL('../../vectors/kad.json', import.meta.url), 'utf8')) as readonly Vector[]
const plain = ({ key, value, ...rest }: KadMessage) => ({ ...rest, key: fromUtf8(key), ...(value ? { value: fromUtf8(value) } : {}) })
const message = ({ key, value, ...rest }: Vector['message']): KadMessage => ({
  ...rest,
  key: toUtf8(key),
  ...(value ? { value: toUtf8(value) } : {}),
})

describe('kad messages', () => {
  for (const { name, hex, message: expected } of VECTORS)
    it(`reads what @libp2p/kad-dht writes: ${name}`, () => assert.deepEqual(plain(decodeKad(fromHex(hex) ?? new Uint8Array(0))), expected))

  it('reads what it writes', () => {
    for (const { message: one } of VECTORS) assert.deepEqual(plain(decodeKad(encodeKad(message(one)))), one)
  })

  it('leaves out addresses that nobody can read and relays above the cap, and stays below the cap of a frame', () => {
    const id = VECTORS[1]?.message.closer[0]?.id ?? ''
    const long = `/dns4/${'a'.repeat(50)}.${'b'.repeat(50)}.${'c'.repeat(50)}.example/tcp/443/tls/ws`
    const peer = { id, addresses: ['rubbish', ...Array.from({ length: 20 }, () => long)] }
    const bytes = encodeKad({ type: TYPE.get, key: new Uint8Array(MAX_KEY), value: new Uint8Array(MAX_ENTRY), closer: Array(20).fill(peer) })
    assert.ok(bytes.byteLength <= MAX_MESSAGE, `${bytes.byteLength}`)
    const { closer } = decodeKad(bytes)
    assert.equal(closer.length, CLOSER)
    for (const { addresses } of closer) assert.equal(addresses.length, MAX_ADDRESSES - 1)
    const odd = bytesField(8, concat([bytesField(1, Uint8Array.of(0, 36)), bytesField(2, Uint8Array.of(255, 255, 255))]))
    assert.deepEqual(
      decodeKad(concat([numberField(1, 4), odd])).closer.map(({ addresses }) => addresses),
      [[]],
    )
  })

  it('refuses other types, long keys and long records', () => {
    const refused = (bytes: Uint8Array) =>
      assert.throws(
        () => decodeKad(bytes),
        (error) => codeOf(error) === 'BAD_FRAME',
      )
    for (const type of [2, 3, 6, 99]) refused(numberField(1, type))
    refused(concat([numberField(1, 1), bytesField(2, new Uint8Array(MAX_KEY + 1))]))
    refused(concat([numberField(1, 0), bytesField(3, bytesField(2, new Uint8Array(MAX_ENTRY + 1)))]))
  })

  it('an address whose text is none is left out', () => {
    const address = Uint8Array.of(0x36, 1, 0x61, 6, 1, 0xbb, 0x90, 3, 0xdd, 3)
    const peer = concat([bytesField(1, Uint8Array.of(0, 1, 1)), bytesField(2, address), bytesField(2, Uint8Array.of(4, 127, 0, 0, 1, 6, 1, 0xbb))])
    const { closer } = decodeKad(concat([numberField(1, TYPE.find), bytesField(8, peer)]))
    assert.deepEqual(closer[0]?.addresses, ['/ip4/127.0.0.1/tcp/443'])
  })

  it('no bytes throw anything but BAD_FRAME', () => {
    const near = fc
      .tuple(fc.constantFrom(...VECTORS.map(({ hex }) => fromHex(hex) ?? new Uint8Array(0))), fc.nat(), fc.nat(255))
      .map(([bytes, at, byte]) => {
        const changed = bytes.slice()
        changed[at % changed.byteLength] = byte
        return changed
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), (bytes) => {
        const read = valueOrCode(() => decodeKad(bytes), ['BAD_FRAME'])
        if (read) assert.deepEqual(decodeKad(encodeKad(read)), read)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})

const NOW = 1_800_000_000_000
const seed = (byte: number) => createEphemeralIdentity({ seed: new Uint8Array(32).fill(byte) })

async function scene() {
  const [relay, ben, eve] = await Promise.all([seed(1), seed(2), seed(3)])
  const s = NOW / 1000
  const claims = { aud: relay.peer, mesh: 'lobby', name: 'Ben', kind: 'cli', instance: 'instance-1', start: 1, seq: 0, iat: s, exp: s + 600 }
  const rec = await signRecord(ben, { iss: ben.peer, ...claims })
  const checks = { verify: relay.verify, checkRecord: createRecordCheck(relay.verify), now: NOW }
  const at = ['/dns4/relay.example/tcp/443/tls/ws']
  return { relay, ben, eve, rec, checks, at, claims, key: keyOf('peer', ben.peer) }
}

const refuses = async (promise: Promise<unknown>, code: string) => assert.rejects(promise, (error) => codeOf(error) === code)

describe('entries', () => {
  it('of a peer prove that it is at that relay, and where the relay is', async () => {
    const { relay, ben, rec, checks, at, key } = await scene()
    const entry = await openEntry(key, await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec }, NOW), checks)
    assert.deepEqual(entry, { s: 'peer', sub: ben.peer, at, rec, iss: relay.peer, iat: NOW / 1000, exp: NOW / 1000 + ENTRY_LIFETIME })
  })

  it('of a relay, and sealed ones, belong under the key that signed', async () => {
    const { relay, eve, checks, at } = await scene()
    const own = await signEntry(relay, { s: 'relay', at }, NOW)
    assert.equal((await openEntry(keyOf('relay', relay.peer), own, checks)).iss, relay.peer)
    await refuses(openEntry(keyOf('relay', eve.peer), own, checks), 'BAD_RECORD')
    const sealed = await signEntry(eve, { s: 'sealed', box: 'abc' }, NOW)
    assert.equal((await openEntry(keyOf('sealed', eve.peer), sealed, checks)).s, 'sealed')
    await refuses(openEntry(keyOf('sealed', relay.peer), sealed, checks), 'BAD_RECORD')
  })

  it('cannot be made by a relay where the peer is not, nor from a record of somebody else, nor moved to another key', async () => {
    const { relay, ben, eve, rec, checks, at, key, claims } = await scene()
    await refuses(openEntry(key, await signEntry(eve, { s: 'peer', sub: ben.peer, at, rec }, NOW), checks), 'BAD_RECORD')
    const hers = await signRecord(eve, { iss: eve.peer, ...claims })
    await refuses(openEntry(key, await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec: hers }, NOW), checks), 'BAD_RECORD')
    const mesh = await signRecord(ben, { iss: ben.peer, ...claims, mesh: eve.peer })
    await refuses(openEntry(key, await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec: mesh }, NOW), checks), 'BAD_RECORD')
    const good = await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec }, NOW)
    await refuses(openEntry(keyOf('peer', eve.peer), good, checks), 'BAD_RECORD')
  })

  it('end, whatever they say of themselves', async () => {
    const { relay, ben, rec, checks, at, key } = await scene()
    const value = await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec }, NOW)
    await refuses(openEntry(key, value, { ...checks, now: NOW + (ENTRY_LIFETIME + MAX_SKEW + 1) * 1000 }), 'OLD_RECORD')
    await refuses(openEntry(key, value, { ...checks, now: NOW - (MAX_SKEW + 1) * 1000 }), 'BAD_RECORD')
    const claims = { s: 'peer', sub: ben.peer, at, rec, iss: relay.peer, iat: NOW / 1000, exp: NOW / 1000 + ENTRY_LIFETIME + 1 }
    const text = `${encode({ alg: 'EdDSA', typ: 'dmesh-kad+jwt' })}.${encode(claims)}`
    const long = toUtf8(`${text}.${toBase64url(await relay.sign(toUtf8(text)))}`)
    await refuses(openEntry(key, long, checks), 'BAD_RECORD')
  })

  it('of which one character is changed are refused', async () => {
    const { relay, ben, rec, checks, at, key } = await scene()
    const value = fromUtf8(await signEntry(relay, { s: 'peer', sub: ben.peer, at, rec }, NOW)) ?? ''
    for (let i = 0; i < value.length - 1; i += 11) {
      const changed = value.slice(0, i) + (value[i] === 'A' ? 'B' : 'A') + value.slice(i + 1)
      await refuses(openEntry(key, toUtf8(changed), checks), 'BAD_RECORD')
    }
  })

  it('no bytes, and no claims of any shape, throw anything but BAD_RECORD', () => {
    const jws = fc.tuple(fc.jsonValue(), fc.uint8Array({ minLength: 64, maxLength: 64 })).map(([claims, signature]) => {
      const head = encode({ alg: 'EdDSA', typ: 'dmesh-kad+jwt' })
      return toUtf8(`${head}.${encode(claims)}.${toBase64url(signature)}`)
    })
    const near = fc
      .record({
        s: fc.constantFrom<Entry['s']>('relay', 'peer', 'sealed'),
        iss: fc.string(),
        iat: fc.double(),
        exp: fc.integer(),
        at: fc.array(fc.string()),
      })
      .map((claims) => toUtf8(`${encode({ alg: 'EdDSA', typ: 'dmesh-kad+jwt' })}.${encode(claims)}.${toBase64url(new Uint8Array(64))}`))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), jws, near), (value) => void valueOrCode(() => parseEntry(value), ['BAD_RECORD'])),
      { numRuns: FUZZ_RUNS },
    )
  })
})

function encode(value: unknown): string {
  return toBase64url(toUtf8(JSON.stringify(value)))
}
