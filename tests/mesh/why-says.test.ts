/** What a stranger learns when it asks why: the code, never the owner's words for a row or what went wrong inside. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { memberRows } from '../../src/access/rows.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { createFrameReader, decodeJson, encodeJsonFrame } from '../../src/wire/frame.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTwo } from '../support/test-mesh.ts'

const LABEL = 'Keep my former landlord out'
const INSIDE = '/home/anna/secret.sqlite is locked'

it('a refusal tells its code and neither the label of a row nor an inner failure', async () => {
  const rows = [...linkRows(), ...memberRows('peer'), { id: 'no', who: ['lobby'], may: ['message.send'], effect: 'deny' as const, label: LABEL }]
  const two = await startTwo({ rows })
  try {
    await two.b.mesh.handle('/x/breaks/1.0.0', () => {
      throw new Error('it broke', { cause: new Error(INSIDE) })
    })
    const ask = async (protocol: string): Promise<Error> => {
      const stream = await two.a.mesh.open(two.b.mesh.peer, protocol)
      return stream.closed.then(
        () => assert.fail('it was served'),
        (error: Error) => error,
      )
    }
    const denied = await ask(PROTOCOL.message)
    assert.equal(codeOf(denied), 'ACCESS_DENIED')
    assert.ok(!denied.message.includes(LABEL), denied.message)
    const broken = await ask('/x/breaks/1.0.0')
    assert.equal(codeOf(broken), 'INTERNAL')
    assert.ok(!`${broken.message} ${String(broken.cause)}`.match(/it broke|secret/), broken.message)
  } finally {
    await two.close()
  }
})

it('a question of any shape gets an empty answer', async () => {
  const two = await startTwo()
  try {
    for (const question of [{ protocol: { toString: 1 } }, { protocol: 7 }, [], null, {}]) {
      const stream = await two.a.mesh.open(two.b.mesh.peer, PROTOCOL.why)
      await stream.writable.getWriter().write(encodeJsonFrame(question))
      const answer = await createFrameReader(stream.readable).read(100, AbortSignal.timeout(5000))
      assert.deepEqual(decodeJson(answer ?? new Uint8Array()), {})
    }
  } finally {
    await two.close()
  }
})
