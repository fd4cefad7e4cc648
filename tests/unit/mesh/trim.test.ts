/** Which connections are closed when there are too many. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FRESH } from '../../../src/mesh/limits.ts'
import { chooseTrim, type Trimmable } from '../../../src/mesh/trim.ts'

describe('chooseTrim', () => {
  const arbitrary = fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      protected: fc.boolean(),
      since: fc.nat({ max: 100_000 }),
      used: fc.nat({ max: 100_000 }),
      prefix: fc.constantFrom('a', 'b', 'c'),
    }),
    {
      selector: ({ id }) => id,
      maxLength: 60,
    },
  )
  const now = 100_000

  it('never closes a protected connection, nor a fresh one of a few, nor goes below the low-water mark', () => {
    fc.assert(
      fc.property(arbitrary, (all) => {
        const chosen = new Set(chooseTrim(all, now, 20, 10))
        if (all.length <= 20) assert.equal(chosen.size, 0)
        assert.ok(all.length - chosen.size >= Math.min(10, all.length))
        const fresh = all.filter((one) => !one.protected && now - one.since < FRESH)
        for (const one of all) if (one.protected) assert.ok(!chosen.has(one.id))
        assert.ok(fresh.filter(({ id }) => !chosen.has(id)).length >= Math.min(10, fresh.length))
      }),
    )
  })

  it('closes the least recently used first', () => {
    const all = Array.from({ length: 30 }, (_, i) => ({ id: `c${i}`, protected: false, since: 0, used: i, prefix: 'a' }))
    assert.deepEqual(
      chooseTrim(all, now, 20, 10),
      all.slice(0, 20).map(({ id }) => id),
    )
  })
  const many = (prefix: string, count: number, more: Partial<Trimmable> = {}): Trimmable[] =>
    Array.from({ length: count }, (_, i) => ({ id: `${prefix}${i}`, protected: false, since: 0, used: i, prefix, ...more }))

  it('closes those of the largest network first, however lately they were used', () => {
    const home = many('home', 5)
    const flood = many('flood', 100, { used: now })
    const chosen = chooseTrim([...home, ...flood], now, 50, 30)
    assert.equal(chosen.length, 75)
    assert.ok(chosen.every((id) => id.startsWith('flood')))
  })

  it('takes the newest of a flood of fresh ones rather than old friends of the same network', () => {
    const friends = many('friend', 20, { prefix: 'relay' })
    const flood = Array.from({ length: 40 }, (_, i) => ({ id: `flood${i}`, protected: false, since: now - 1000 + i, used: now, prefix: 'relay' }))
    const chosen = chooseTrim([...friends, ...flood], now, 40, 30)
    assert.deepEqual(
      chosen,
      Array.from({ length: 30 }, (_, i) => `flood${39 - i}`),
    )
  })
})
