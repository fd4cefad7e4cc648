/** Keys are free: what each one leaves behind must not add up. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PeerStore } from '@libp2p/interface'
import { startTestMesh } from '../support/test-mesh.ts'
import { waitUntil } from '../support/wait.ts'

it('a peer that left leaves nothing in memory, whatever identify told of it', async () => {
  let store: PeerStore | undefined
  const services = {
    look: (components: { peerStore: PeerStore }) => {
      store = components.peerStore
      return {}
    },
  }
  const b = await startTestMesh(() => [], { kind: 'relay', services })
  let most = 0
  try {
    for (let key = 0; key < 20; key++) {
      const a = await startTestMesh(() => [])
      await a.mesh.connect(b.address)
      await waitUntil(async () => ((await store?.all()) ?? []).length > 0, { what: 'what identify tells' })
      most = Math.max(most, ((await store?.all()) ?? []).length)
      await a.close()
      await waitUntil(() => b.mesh.connections() === 0, { what: 'its end' })
    }
    assert.ok(store)
    await waitUntil(async () => (await store?.all())?.length === 0, { what: 'an empty peer store' })
    assert.ok(most > 0, 'there was something to forget')
  } finally {
    await b.close()
  }
})

it('attempts are kept for a bounded number of peers, the newest', async () => {
  const present = ['sybil 0', 'sybil 999']
  const b = await startTestMesh(() => present)
  try {
    for (let key = 0; key < 1_000; key++) b.mesh.noteAttempt(`sybil ${key}`, { transport: 'webrtc', what: 'x', outcome: 'TIMEOUT', at: key })
    const attempts = (peer?: string) => b.mesh.peers.find(({ id }) => id === peer)?.attempts.length
    await waitUntil(() => attempts(present[1]) === 1, { what: 'the newest attempt' })
    assert.equal(attempts(present[0]), 0)
  } finally {
    await b.close()
  }
})
