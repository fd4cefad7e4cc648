/** Who may open a handler of the user's own: what `allow` says, by default the meshes one is in, and never somebody who is in none. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { HandleOptions } from '../../src/core/mesh.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { startTestMesh } from '../support/test-mesh.ts'

const ID = '/x/mine/1.0.0'

async function answer(allow: HandleOptions['allow'] | 'default', inLobby: boolean): Promise<string> {
  const present: string[] = []
  const [a, b] = [await startTestMesh(() => []), await startTestMesh(() => present)]
  try {
    if (inLobby) present.push(a.mesh.peer)
    await a.mesh.connect(b.address)
    const options = allow === 'default' ? {} : { allow }
    await b.mesh.handle(ID, (stream) => stream.readable.pipeTo(stream.writable), options)
    const rows = (await b.mesh.policy.rows()).filter(({ to }) => to?.includes(ID))
    assert.equal(rows.length, allow === 'nobody' ? 0 : 1)
    const stream = await a.mesh.open(b.mesh.peer, ID)
    stream.writable
      .getWriter()
      .write(Uint8Array.of(1))
      .catch(() => undefined)
    await stream.readable.getReader().read()
    stream.abort()
    return 'allowed'
  } catch (error) {
    return codeOf(error)
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

it('without `allow` a handler is open to the lobby one is in, and closed to who is in no mesh of mine', async () => {
  assert.equal(await answer('default', true), 'allowed')
  assert.equal(await answer('default', false), 'ACCESS_DENIED')
})

it('with `members` it is closed to the lobby, with `nobody` to all', async () => {
  assert.equal(await answer('members', true), 'ACCESS_DENIED')
  assert.equal(await answer('nobody', true), 'ACCESS_DENIED')
})
