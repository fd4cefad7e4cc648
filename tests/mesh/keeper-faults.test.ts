/** The keeper under seeded faults of the network: once it is back a place is held within two seconds, never two of them, and nothing is left behind. */
import { it } from 'node:test'
import { forSeeds } from '../support/faults/faults.ts'
import { keepsItsPlace, startFaultyRelay } from './keeper-invariant.ts'

it('a peer is reachable 2 s after the network is back, whatever happened to it: 50 seeds', { timeout: 120_000 }, async () => {
  await using relay = await startFaultyRelay()
  await forSeeds({ seeds: 50 }, (seed) => keepsItsPlace(relay, seed))
})
