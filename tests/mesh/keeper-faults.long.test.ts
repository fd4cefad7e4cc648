/** keeper-faults.test.ts with a thousand seeds. */
import { it } from 'node:test'
import { forSeeds } from '../support/faults/faults.ts'
import { keepsItsPlace, startFaultyRelay } from './keeper-invariant.ts'

it('a peer is reachable 2 s after the network is back, whatever happened to it: 1,000 seeds', { timeout: 3_600_000 }, async () => {
  await using relay = await startFaultyRelay()
  await forSeeds({ seeds: 1_000 }, (seed) => keepsItsPlace(relay, seed))
})
