/** Whatever disks, power and paths do: each message is delivered once and in order or still waits. 50 seeds; a failure names its own. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runOutboxSeed } from './outbox-faults.ts'

const FIRST = Number(process.env.SEED ?? 1)
const COUNT = process.env.SEED ? 1 : 50

it(`${COUNT} seeds from ${FIRST}: delivered once and in order, or still waiting; never shown twice, never lost`, async () => {
  const all = { delivered: 0, crashes: 0, refused: 0 }
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const run = await runOutboxSeed(seed)
    all.delivered += run.delivered
    all.crashes += run.crashes
    all.refused += run.refused
  }
  // Not a test that passes because nothing happened.
  assert.ok(COUNT === 1 || (all.delivered > 500 && all.crashes > 200 && all.refused > 50), JSON.stringify(all))
})
