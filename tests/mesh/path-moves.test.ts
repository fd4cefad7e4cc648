/** Relayed, direct, relayed … while bytes flow: nothing is lost and nothing stands still. */
import { it } from 'node:test'
import { movesUnharmed } from './path-moves.ts'

it('40 changes of the path in use: files and messages lose nothing, and stand still no longer than a second', { timeout: 120_000 }, async (t) => {
  t.diagnostic(JSON.stringify(await movesUnharmed({ seed: 1, switches: 40, ends: ['cut', 'us'] })))
})

it('10 changes, of which the sender may be told nothing: it finds out', { timeout: 120_000 }, async (t) => {
  t.diagnostic(JSON.stringify(await movesUnharmed({ seed: 2, switches: 10, ends: ['them'] })))
})
