/** createUsage(): the sliding minute, what runs, and the bound. Time is the test's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createUsage } from '../../../src/access/usage.ts'
import type { Clock } from '../../../src/shared/clock.ts'

function handClock(): Clock & { move(ms: number): void } {
  let at = 0
  return { now: () => at, monotonic: () => at, after: () => () => undefined, move: (ms) => void (at += ms) }
}

test('createUsage() counts starts for at least a minute and at most 65 s', () => {
  const clock = handClock()
  const usage = createUsage(clock)
  clock.move(4_999)
  usage.start('ana', 'message.send')()
  clock.move(60_000)
  assert.equal(usage.read('ana', 'message.send').startsLastMinute, 1)
  clock.move(5_001)
  assert.equal(usage.read('ana', 'message.send').startsLastMinute, 0)
})

test('createUsage() agrees with a list of times up to its slot width', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 20_000 }), fc.nat({ max: 3 })), { maxLength: 60 }), (steps) => {
      const clock = handClock()
      const usage = createUsage(clock)
      const times: number[] = []
      for (const [ms, starts] of steps) {
        clock.move(ms)
        for (let i = 0; i < starts; i++) {
          usage.start('ana', 'x')()
          times.push(clock.monotonic())
        }
        const within = (span: number) => times.filter((time) => time > clock.monotonic() - span).length
        const { startsLastMinute } = usage.read('ana', 'x')
        assert.ok(startsLastMinute >= within(60_000) && startsLastMinute <= within(65_000), `${startsLastMinute} of ${times}`)
      }
    }),
    { numRuns: 500 },
  )
})

test('createUsage() counts what runs until it ended, each end once', () => {
  const usage = createUsage(handClock())
  const [first, second] = [usage.start('ana', 'x'), usage.start('ana', 'x')]
  assert.deepEqual(usage.read('ana', 'x'), { startsLastMinute: 2, concurrent: 2 })
  first()
  first()
  assert.equal(usage.read('ana', 'x').concurrent, 1)
  second()
  assert.equal(usage.read('ana', 'x').concurrent, 0)
})

test('createUsage() keeps pairs apart, whatever the names contain', () => {
  const usage = createUsage(handClock())
  usage.start('a","b', 'c')
  for (const [who, may] of [
    ['a', 'b","c'],
    ['a","b', 'd'],
    ['c', 'a","b'],
  ] as const) {
    assert.deepEqual(usage.read(who, may), { startsLastMinute: 0, concurrent: 0 })
  }
})

test('createUsage() holds no more pairs than its cap and forgets the one idle longest, never what runs', () => {
  const clock = handClock()
  const usage = createUsage(clock, { maxKeys: 3 })
  const end = usage.start('runs', 'x')
  usage.start('old', 'x')()
  usage.start('recent', 'x')()
  assert.deepEqual(usage.read('new', 'x'), { startsLastMinute: 0, concurrent: 0 }, 'a flood of names denies nobody')
  usage.start('new', 'x')()
  assert.equal(usage.size(), 3)
  assert.deepEqual(
    ['runs', 'old', 'recent', 'new'].map((who) => usage.read(who, 'x').startsLastMinute),
    [1, 0, 1, 1],
  )
  assert.equal(usage.read('runs', 'x').concurrent, 1)
  end()
  assert.equal(usage.read('runs', 'x').concurrent, 0)
  assert.ok(usage.size() <= 3)
})

test('createUsage() says "too much" when all that it can count runs', () => {
  const usage = createUsage(handClock(), { maxKeys: 2 })
  const ends = [usage.start('one', 'x'), usage.start('two', 'x')]
  assert.deepEqual(usage.read('three', 'x'), { startsLastMinute: Number.POSITIVE_INFINITY, concurrent: Number.POSITIVE_INFINITY })
  usage.start('three', 'x')()
  assert.equal(usage.size(), 2)
  for (const end of ends) end()
  assert.equal(usage.read('three', 'x').concurrent, 0)
})

test('createUsage() stays small and quick under a flood of names', () => {
  let asked = 0
  const clock = handClock()
  const monotonic = () => {
    asked++
    return clock.monotonic()
  }
  const usage = createUsage({ ...clock, monotonic }, { maxKeys: 1000 })
  for (let i = 0; i < 20_000; i++) {
    usage.read(`peer ${i}`, 'x')
    usage.start(`peer ${i}`, 'x')()
  }
  assert.equal(usage.size(), 1000)
  assert.ok(asked < 100_000, `the table was searched again and again: ${asked} looks at the clock`)
})

test('createUsage() keeps nobody longer than the minute that counts, once somebody comes', () => {
  const clock = handClock()
  const usage = createUsage(clock)
  for (let i = 0; i < 1_000; i++) usage.start(`peer ${i}`, 'relay.reserve')()
  clock.move(70_000)
  usage.start('the next', 'relay.reserve')()
  assert.equal(usage.size(), 1)
})
