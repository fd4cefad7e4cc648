/** The same as faults.test.ts with 1 000 seeds. */
import { it } from 'node:test'
import { runOutboxSeed } from './outbox-faults.ts'

const FIRST = 1_000
const COUNT = 1_000

it(`${COUNT} seeds from ${FIRST}`, { timeout: 1_800_000 }, async () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) await runOutboxSeed(seed)
})
