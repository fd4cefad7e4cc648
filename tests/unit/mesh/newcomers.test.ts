/** Whoever is unknown gets a moment to be named, and no flood gets more. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_NEWCOMERS } from '../../../src/mesh/limits.ts'
import { createNewcomers } from '../../../src/mesh/newcomers.ts'
import { systemClock } from '../../../src/shared/clock.ts'

describe('newcomers', () => {
  it('settle when they are named, and by themselves when they never are', async () => {
    const here = new Set<string>()
    const { named, told } = createNewcomers((peer) => here.has(peer), systemClock())
    const [ana, ben] = [named('ana'), named('ben')]
    assert.ok(ana && ben)
    assert.equal(named('ana'), ana)
    here.add('ana')
    told()
    await ana
    assert.equal(named('ana'), undefined)
    assert.equal(named('ben'), ben)
    await ben
    assert.notEqual(named('ben'), ben)
  })

  it(`are at most ${MAX_NEWCOMERS}`, async () => {
    const { named } = createNewcomers(() => false, systemClock())
    const waiting = Array.from({ length: MAX_NEWCOMERS }, (_, i) => named(`peer ${i}`))
    assert.ok(waiting.every(Boolean))
    assert.equal(named('one more'), undefined)
    await Promise.all(waiting)
    assert.ok(named('one more'))
  })
})
