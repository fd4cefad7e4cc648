/** transfer-faults.test.ts with 500 seeds. */
import { it } from 'node:test'
import { forSeeds } from '../support/faults/faults.ts'
import { startFaultyRelay } from './keeper-invariant.ts'
import { fileArrives } from './transfer-invariant.ts'

it('a file arrives whole, whatever happened to the network of one side: 500 seeds', { timeout: 7_200_000 }, async () => {
  await using relay = await startFaultyRelay()
  await forSeeds({ seeds: 500 }, (seed) => fileArrives(relay, seed))
})
