/** Messages are not starved by files: they pass by eight transfers that fill the same relayed connection both ways, also on a machine whose cores are all busy with them. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import type { FileStore } from '../../src/core/stores.ts'
import { createMemoryFiles } from '../../src/storage/memory.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'
import { readSource } from '../unit/files/two-hosts.ts'

const FILES = 4 // each way
const MESSAGES = 20

/** Takes any number of bytes and keeps none. */
const abyss: FileStore = {
  ...createMemoryFiles(),
  estimate: async () => ({}),
  create: async () => ({
    offset: 0,
    write: async () => undefined,
    finish: async () => ({ size: 0, sha256: '' }),
    release: async () => undefined,
    discard: async () => undefined,
  }),
}

it('twenty messages each way beside eight files', { timeout: 120_000 }, async (t) => {
  const relay = await startTestRelay()
  const origin = `http://127.0.0.1:${relay.port}`
  const [ana, ben] = [await startTestPeer({ origin, name: 'Ana', files: abyss }), await startTestPeer({ origin, name: 'Ben', files: abyss })]
  const both = [ana.mesh, ben.mesh] as const
  const moving = (mesh: Mesh) => mesh.state.transfers.filter(({ status, done }) => status === 'running' && done > 0).length
  try {
    await waitUntil(() => both.every((mesh) => mesh.peers.some(({ path }) => path !== 'away')), { ms: 10_000, what: 'each other' })
    for (const [from, to] of [both, [ben.mesh, ana.mesh]] as const) {
      to.addEventListener('fileoffer', ({ detail }) => void to.files.accept(detail.id))
      for (let i = 0; i < FILES; i++)
        await from.files.offer(
          to.peer,
          readSource(2 ** 36, (_, length) => new Uint8Array(length)),
          { name: `file-${i}` },
        )
    }
    await waitUntil(() => both.every((mesh) => moving(mesh) === 2 * FILES), { ms: 30_000, what: 'all files to move' })
    const before = both.map((mesh) => mesh.state.transfers.reduce((sum, { done }) => sum + done, 0))
    const took: number[] = []
    for (let i = 0; i < MESSAGES; i++) {
      for (const [from, to] of [both, [ben.mesh, ana.mesh]] as const) {
        const arrived = new Promise<void>((resolve) => to.addEventListener('message', ({ detail }) => detail.topic === `n-${i}` && resolve()))
        const sent = performance.now()
        await from.send(to.peer, `n-${i}`, 'hello')
        await arrived
        took.push(performance.now() - sent)
      }
    }
    took.sort((a, b) => a - b)
    const [median, most] = [took[MESSAGES] as number, took.at(-1) as number]
    t.diagnostic(`median ${median.toFixed(0)} ms, slowest ${most.toFixed(0)} ms`)
    assert.ok(median < 1_000 && most < 5_000, `median ${median} ms, slowest ${most} ms`)
    for (const [i, mesh] of both.entries()) {
      assert.equal(moving(mesh), 2 * FILES, 'the files moved meanwhile')
      assert.ok(mesh.state.transfers.reduce((sum, { done }) => sum + done, 0) > (before[i] as number))
    }
  } finally {
    await Promise.all([ana.close(), ben.close()])
    await relay.end()
  }
})
