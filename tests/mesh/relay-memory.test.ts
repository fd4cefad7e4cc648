/** What a relay's process holds of a private mesh: its memory is read, and nothing that is sealed may be in it. A name in the lobby proves that the search finds what is there. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { wordsInMemory } from '../support/process-memory.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

test('a relay that counts an invite holds no name, label or seed of it', { skip: process.platform !== 'linux' }, async () => {
  const relay = await startRelayProcess({ args: ['--udp', 'off'] })
  const origin = `http://127.0.0.1:${relay.port}`
  const [ana, ben] = [await startTestPeer({ origin, name: 'Lobbyana77' }), await startTestPeer({ origin, name: 'Ben' })]
  try {
    await waitUntil(() => [ana, ben].every(({ mesh }) => mesh.state.relays[0]?.status === 'reserved'), { ms: 15_000, what: 'both at the relay' })
    const id = await ana.mesh.meshes.create('Secretfamily4711')
    const { link } = await ana.mesh.meshes.invite(id, { label: 'Labelzebra', opens: '/openszebra' })
    await ben.mesh.meshes.join(link)
    await waitUntil(() => ben.mesh.state.meshes[0]?.status === 'joined', { ms: 10_000, what: 'Ben to be in' })
    const words = ['Secretfamily4711', 'Labelzebra', 'openszebra', link.slice(-43), 'Lobbyana77', id]
    assert.deepEqual(wordsInMemory(relay.child.pid as number, words), new Set(['Lobbyana77', id]))
  } finally {
    await Promise.all([ana.close(), ben.close()])
    await relay.stop()
  }
})
