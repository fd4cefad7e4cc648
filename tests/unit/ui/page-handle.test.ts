/** `globalThis.dmesh` before, while and after the mesh is reached. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Mesh } from '../../../src/core/mesh.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { createPageHandle } from '../../../src/ui/page-handle.ts'
import { createFakeMesh, ME } from '../../browser/pages/fake-mesh.ts'

describe('createPageHandle', () => {
  it('gives empty values first, lets calls wait, and passes them on once ready', async () => {
    const { handle, begin } = createPageHandle('0.1.0')
    const fake = createFakeMesh()
    const reached = Promise.withResolvers<Mesh>()
    assert.deepEqual([handle.peer, handle.vip, [...handle.peers], handle.state.status, handle.state.version], ['', '', [], 'starting', '0.1.0'])
    begin(reached.promise)
    const heard: unknown[] = []
    handle.addEventListener('transferchange', (event) => heard.push(event.detail))
    const early = handle.send(ME, 'chat', 'hello')
    assert.equal(fake.calls.length, 0)
    reached.resolve(fake.mesh)
    await handle.ready
    assert.equal(await early, 'm1')
    assert.equal(handle.peer, ME)
    assert.equal(handle.state.messages.length, 1)
    fake.emit('transferchange', { id: 'x' } as never)
    assert.deepEqual(heard, [{ id: 'x' }], 'a listener from before the start hears it')
    assert.equal((await handle.policy.rows()).length, 3)
  })

  it('rejects ready and waiting calls with the reason, and starts anew with the next attempt', async () => {
    const { handle, begin } = createPageHandle('0.1.0')
    const fake = createFakeMesh()
    const heard: string[] = []
    handle.addEventListener('statechange', (event) => heard.push(event.detail.status))
    begin(Promise.reject(new MeshError('WORKER_GONE', 'no answer')))
    await assert.rejects(handle.ready, { code: 'WORKER_GONE' })
    await assert.rejects(handle.ping(ME), { code: 'WORKER_GONE' })
    begin(Promise.resolve(fake.mesh))
    await handle.ready
    assert.equal(await handle.ping(ME), 4.2)
    fake.change({ status: 'direct' })
    assert.deepEqual(heard, ['direct'])
  })
})
