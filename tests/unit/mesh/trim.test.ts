/** Which connections are closed when there are too many. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FRESH } from '../../../src/mesh/limits.ts'
import { chooseTrim } from '../../../src/mesh/trim.ts'

describe('chooseTrim', () => {
  const arbitrary = fc.uniqueArray(
    fc.record({ id: fc.uuid(), protected: fc.boolean(), since: fc.nat({ max: 100_000 }), used: fc.nat({ max: 100_000 }) }),
    {
      selector: ({ id }) => id,
      maxLength: 60,
    },
  )
  const now = 100_000

  it('never closes a protected or fresh connection, nor goes below the low-water mark', () => {
    fc.assert(
      fc.property(arbitrary, (all) => {
        const chosen = new Set(chooseTrim(all, now, 20, 10))
        if (all.length <= 20) assert.equal(chosen.size, 0)
        assert.ok(all.length - chosen.size >= Math.min(10, all.length))
        for (const one of all) if (one.protected || now - one.since < FRESH) assert.ok(!chosen.has(one.id))
      }),
    )
  })

  it('closes the least recently used first', () => {
    const all = Array.from({ length: 30 }, (_, i) => ({ id: `c${i}`, protected: false, since: 0, used: i }))
    assert.deepEqual(
      chooseTrim(all, now, 20, 10),
      all.slice(0, 20).map(({ id }) => id),
    )
  })
})
