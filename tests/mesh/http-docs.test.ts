/** The code of docs/http.md, as it stands there: Ben's on one peer, Ana's on another. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import { startTwo } from '../support/test-mesh.ts'

type Block = (dmesh: Mesh, peer: string) => Promise<void>
const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => Block

test('docs/http.md: the code does what the text says', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8')
  const blocks = [...text.matchAll(/\*\*On (\w+)'s side\.\*\*[\s\S]*?```js\n([\s\S]*?)```/g)]
  assert.deepEqual(
    blocks.map(([, who]) => who),
    ['Ben', 'Ana'],
  )
  const two = await startTwo()
  try {
    const people: Readonly<Record<string, Mesh>> = { Ana: two.a.mesh, Ben: two.b.mesh }
    for (const [, who = '', code = ''] of blocks) await new AsyncFunction('dmesh', 'PEER', code)(people[who] as Mesh, two.b.mesh.peer)
  } finally {
    await two.close()
  }
})
