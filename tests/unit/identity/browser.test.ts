/** The browser identity over a record store in memory: one key whatever happens, nothing secret in the store. The same in a real browser: tests/browser/identity.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { RecordStore } from '../../../src/core/stores.ts'
import { loadBrowserIdentity } from '../../../src/identity/browser.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'

const modes = { webcrypto: {}, noble: { webCrypto: false } } as const

/** All CryptoKeys and byte arrays anywhere inside a value. */
function walk(value: unknown, keys: CryptoKey[], arrays: Uint8Array[]): void {
  if (value instanceof CryptoKey) keys.push(value)
  else if (value instanceof Uint8Array) arrays.push(value)
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(part, keys, arrays)
}

/** A store whose get() comes too early to see what others write, so that all loads make a key. */
function slow(records: RecordStore): RecordStore {
  const get = async () => {
    await turn()
    return undefined
  }
  return { ...records, get }
}

for (const [name, options] of Object.entries(modes)) {
  test(`loadBrowserIdentity() with ${name} makes a key once and finds it again`, async () => {
    const records = createMemoryRecords()
    const first = await loadBrowserIdentity(records, options)
    const second = await loadBrowserIdentity(records, options)
    assert.equal(first.isNew, true)
    assert.equal(second.isNew, false)
    assert.equal(second.peer, first.peer)
    assert.deepEqual(second.sealing.publicKey, first.sealing.publicKey)
    const data = new Uint8Array(8)
    assert.equal(await first.verify(first.peer, data, await second.sign(data)), true)
  })

  test(`loadBrowserIdentity() with ${name} stores keys that nobody can export`, async () => {
    const records = createMemoryRecords()
    await loadBrowserIdentity(records, options)
    const stored = await records.list('secret')
    assert.equal(stored.length, 1)
    const [keys, arrays]: [CryptoKey[], Uint8Array[]] = [[], []]
    walk(stored, keys, arrays)
    assert.equal(keys.length, 2)
    for (const key of keys) {
      assert.equal(key.extractable, false)
      for (const format of ['raw', 'pkcs8', 'jwk'] as const) await assert.rejects(crypto.subtle.exportKey(format, key))
    }
  })

  test(`loadBrowserIdentity() with ${name} gives racing callers the same key, new for exactly one`, async () => {
    const records = slow(createMemoryRecords())
    const all = await Promise.all(Array.from({ length: 5 }, () => loadBrowserIdentity(records, options)))
    assert.equal(new Set(all.map((identity) => identity.peer)).size, 1)
    assert.equal(new Set(all.map((identity) => String(identity.sealing.publicKey))).size, 1)
    assert.equal(all.filter((identity) => identity.isNew).length, 1)
  })
}

test('loadBrowserIdentity() without WebCrypto curves keeps no plaintext seed, neither in the store nor in the buffer it got', async () => {
  const records = createMemoryRecords()
  const seeds: Uint8Array[] = []
  const given: Uint8Array[] = []
  const random = (length: number) => {
    const seed = crypto.getRandomValues(new Uint8Array(length))
    seeds.push(seed.slice())
    given.push(seed)
    return seed
  }
  await loadBrowserIdentity(records, { webCrypto: false, random })
  assert.equal(seeds.length, 2)
  for (const seed of given) assert.deepEqual(seed, new Uint8Array(32), 'wiped after use')
  const arrays: Uint8Array[] = []
  walk(await records.list('secret'), [], arrays)
  assert.equal(arrays.length, 6, 'public key, iv and sealed bytes of each key')
  for (const array of arrays) for (const seed of seeds) assert.equal(Buffer.from(array).includes(Buffer.from(seed)), false)
})

test('loadBrowserIdentity() keeps the stored key when the switch changes', async () => {
  for (const [before, now] of [
    [{}, { webCrypto: false }],
    [{ webCrypto: false }, {}],
  ]) {
    const records = createMemoryRecords()
    const first = await loadBrowserIdentity(records, before)
    assert.equal((await loadBrowserIdentity(records, now)).peer, first.peer)
  }
})

test('loadBrowserIdentity() refuses a damaged or newer record and leaves it as it is', async () => {
  const good = createMemoryRecords()
  await loadBrowserIdentity(good, { webCrypto: false })
  const [[, record]] = (await good.list('secret')) as unknown as [
    [string, { signing: { sealed: Uint8Array; publicKey: Uint8Array }; sealing: object }],
  ]
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['newer', { ...record, version: 2 }, 'UNKNOWN_VERSION'],
    ['text', 'key', 'STORAGE_FAILED'],
    ['null', null, 'STORAGE_FAILED'],
    ['no signing key', { ...record, signing: undefined }, 'STORAGE_FAILED'],
    ['short public key', { ...record, sealing: { ...record.sealing, publicKey: new Uint8Array(31) } }, 'STORAGE_FAILED'],
    ['changed seed', { ...record, signing: { ...record.signing, sealed: record.signing.sealed.map((byte) => byte ^ 1) } }, 'STORAGE_FAILED'],
    [
      'changed public key',
      { ...record, signing: { ...record.signing, publicKey: record.signing.publicKey.map((byte) => byte ^ 1) } },
      'STORAGE_FAILED',
    ],
  ]
  for (const [about, value, code] of cases) {
    const records = createMemoryRecords()
    await records.put('secret', 'device', value)
    await assert.rejects(loadBrowserIdentity(records), { code }, about)
    assert.deepEqual(await records.get('secret', 'device'), value, about)
  }
})
