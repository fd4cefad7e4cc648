/** path-moves.test.ts with 500 changes. */
import { it } from 'node:test'
import { movesUnharmed } from './path-moves.ts'

it('500 changes of the path in use: files and messages lose nothing, and stand still no longer than a second', { timeout: 1_800_000 }, async (t) => {
  t.diagnostic(JSON.stringify(await movesUnharmed({ seed: 1, switches: 500, ends: ['cut', 'us'] })))
})
