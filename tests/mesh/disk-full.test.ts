/** A real disk that fills up in the middle of a file pauses it, and it goes on by itself where it was once there is space. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { openDiskFiles } from '../../src/storage/disk-files.node.ts'
import { noSmallDisk, withSmallDisk } from '../support/small-disk.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const MIB = 1024 * 1024

it('a full disk pauses a file, and a freed one lets it go on', { timeout: 120_000, skip: noSmallDisk() }, () =>
  withSmallDisk(16, async (dir) => {
    const relay = await startTestRelay()
    const origin = `http://127.0.0.1:${relay.port}`
    const disk = await openDiskFiles(dir)
    let looked = 0
    // At the acceptance there seems to be space: something else takes it while the file comes.
    const files = { ...disk, estimate: async () => (looked++ === 0 ? {} : disk.estimate()) }
    const [ana, ben] = [await startTestPeer({ origin, name: 'Ana' }), await startTestPeer({ origin, name: 'Ben', files })]
    try {
      await waitUntil(() => ana.mesh.peers.some(({ path }) => path !== 'away'), { ms: 10_000, what: 'Ben' })
      const filler = join(dir, 'filler')
      writeFileSync(filler, new Uint8Array(8 * MIB))
      const bytes = randomBytes(12 * MIB)
      ben.mesh.addEventListener('fileoffer', ({ detail }) => void ben.mesh.files.accept(detail.id))
      const id = await ana.mesh.files.offer(ben.mesh.peer, new Blob([bytes]), { name: 'x' })
      const sent = () => ana.mesh.state.transfers.find((one) => one.id === id)
      const received = () => ben.mesh.state.transfers[0]
      await waitUntil(() => received()?.status === 'paused' && sent()?.status === 'paused', { ms: 30_000, what: 'the pause' })
      assert.deepEqual([received()?.problem?.code, sent()?.problem?.code, sent()?.pausedBy], ['STORAGE_FULL', 'STORAGE_FULL', 'them'])
      const kept = statSync(join(dir, `${received()?.id}.part`)).size
      rmSync(filler)
      await waitUntil(() => received()?.status === 'done' && sent()?.status === 'done', { ms: 60_000, what: 'the end of it' })
      assert.equal(received()?.sha256, createHash('sha256').update(bytes).digest('hex'))
      const at = received()?.resumedAt ?? 0
      assert.ok(at > 0 && kept - at <= 4 * MIB, `it went on at ${at}, ${kept} bytes were kept`)
    } finally {
      await Promise.all([ana.close(), ben.close()])
      await relay.end()
    }
  }),
)
