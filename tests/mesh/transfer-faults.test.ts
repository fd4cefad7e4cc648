/** Files under seeded faults of the network: whatever happened to it, each arrives whole, once, and has failed on neither side. */
import { it } from 'node:test'
import { forSeeds } from '../support/faults/faults.ts'
import { startFaultyRelay } from './keeper-invariant.ts'
import { fileArrives } from './transfer-invariant.ts'

it('a file arrives whole, whatever happened to the network of one side: 16 seeds', { timeout: 300_000 }, async () => {
  await using relay = await startFaultyRelay()
  await forSeeds({ seeds: 16 }, (seed) => fileArrives(relay, seed))
})
