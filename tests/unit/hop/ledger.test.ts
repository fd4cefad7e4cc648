/** What quotas are counted by: IP prefixes and the ledger of starts, running circuits and daily bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { NO_PREFIX, prefixOf } from '../../../src/shared/ip-prefix.ts'
import { createLedger } from '../../../src/transports/relay/ledger.ts'
import { MAX_TRACKED } from '../../../src/transports/relay/limits.ts'
import { refusalOf } from '../../../src/transports/relay/refusal.ts'
import { STATUS } from '../../../src/transports/relay/wire.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'

function clockAt(start: number) {
  let now = start
  return { now: () => now, monotonic: () => now, after: () => () => undefined, advance: (ms: number) => void (now += ms) }
}

for (const [address, prefix] of [
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['::FFFF:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:DB8:0:0:ffff::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ['256.1.1.1', NO_PREFIX],
  ['1.2.3', NO_PREFIX],
  ['1:2:3:4:5:6:7', NO_PREFIX],
  ['1:2:3:4:5:6:7:8:9', NO_PREFIX],
  ['1::2::3', NO_PREFIX],
  ['g::', NO_PREFIX],
  ['', NO_PREFIX],
  [undefined, NO_PREFIX],
] as const) {
  test(`prefix of ${address || 'nothing'} is ${prefix}`, () => assert.equal(prefixOf(address), prefix))
}

test('any two addresses of one /64 share a prefix, and no text breaks it', () => {
  const group = fc.nat(0xffff).map((value) => value.toString(16))
  const half = fc.array(group, { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(half, half, half, (net, a, b) => {
      assert.equal(prefixOf([...net, ...a].join(':')), prefixOf([...net, ...b].join(':')))
      assert.match(prefixOf([...net, ...a].join(':')), /\/64$/)
    }),
    { numRuns: FUZZ_RUNS },
  )
  const text = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.array(fc.constantFrom(':', '::', '.', '1', 'ffff', '%', '256')).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (address) => assert.match(prefixOf(address), /^(none|(\d{1,3}\.){3}0\/24|([0-9a-f]{1,4}:){4}:\/64)$/)),
    { numRuns: FUZZ_RUNS },
  )
})

test('starts count for one minute', () => {
  const clock = clockAt(1e12)
  const ledger = createLedger(clock)
  assert.deepEqual([ledger.start('a'), ledger.start('a'), ledger.start('b')], [0, 1, 0])
  clock.advance(59_999)
  assert.equal(ledger.starts('a'), 2)
  clock.advance(1)
  assert.equal(ledger.starts('a'), 0)
})

test('a place is given back once, however often it is left', () => {
  const ledger = createLedger(clockAt(0))
  const [one, two] = [ledger.enter('a'), ledger.enter('a')]
  assert.equal(ledger.running('a'), 2)
  one()
  one()
  assert.equal(ledger.running('a'), 1)
  two()
  assert.equal(ledger.running('a'), 0)
})

test('bytes add up until midnight UTC', () => {
  const clock = clockAt(Date.UTC(2026, 0, 1, 23, 59))
  const ledger = createLedger(clock)
  assert.equal(ledger.spend('net', 100), 100)
  assert.equal(ledger.spend('net', 50), 150)
  clock.advance(60_000)
  assert.equal(ledger.spend('net', 0), 0)
})

test('a key that keeps starting is remembered, the one that started longest ago is forgotten when there are too many', () => {
  const ledger = createLedger(clockAt(0))
  ledger.start('old')
  ledger.start('busy')
  for (let key = 2; key < MAX_TRACKED; key++) ledger.start(String(key))
  assert.deepEqual([ledger.starts('old'), ledger.starts('busy')], [1, 1])
  ledger.start('old')
  ledger.start('one more')
  assert.deepEqual([ledger.starts('old'), ledger.starts('busy')], [2, 0])
})

test('no flood of one key is counted higher than any useful rate', () => {
  const ledger = createLedger(clockAt(0))
  for (let i = 0; i < 5000; i++) ledger.start('flood')
  assert.equal(ledger.starts('flood'), 4096)
})

test('the bytes of the prefix that came first are forgotten when there are too many', () => {
  const ledger = createLedger(clockAt(0))
  for (let key = 0; key <= MAX_TRACKED; key++) ledger.spend(String(key), 1)
  assert.deepEqual([ledger.spend('0', 0), ledger.spend('2', 0)], [0, 1])
})

test('places that were given back leave nothing behind', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const ledger = createLedger(clockAt(0))
  const name = (i: number) => `peer ${i} ${'x'.repeat(200)}`
  ledger.enter(name(0))()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 100_000; i++) ledger.enter(name(i))()
  collect()
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes for 100 000 peers that left`)
  assert.equal(ledger.running(name(0)), 0)
})

test('a used-up limit is told apart from a missing right', () => {
  const ask = (allow: boolean, code?: 'ACCESS_DENIED' | 'LIMIT_REACHED') =>
    refusalOf({ allow, limits: {}, why: '', code }, 'RESOURCE_LIMIT_EXCEEDED')?.status
  assert.equal(ask(true), undefined)
  assert.equal(ask(false), STATUS.PERMISSION_DENIED)
  assert.equal(ask(false, 'ACCESS_DENIED'), STATUS.PERMISSION_DENIED)
  assert.equal(ask(false, 'LIMIT_REACHED'), STATUS.RESOURCE_LIMIT_EXCEEDED)
})

test('the ledger remembers no start for longer than the minute that counts, once somebody comes', () => {
  const clock = clockAt(0)
  const ledger = createLedger(clock)
  for (let i = 0; i < 1_000; i++) ledger.start(`peer ${i}`)
  clock.advance(30_000)
  ledger.start('peer 7')
  clock.advance(31_000)
  assert.equal(ledger.start('the next'), 0)
  assert.deepEqual([ledger.remembered(), ledger.starts('peer 7')], [2, 1])
})
