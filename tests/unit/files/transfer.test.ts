/** Transfers between two well-behaved peers: content, verdict, cancelling, declining, progress, history. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { TransferInfo } from '../../../src/core/mesh.ts'
import { createMemoryFiles, createMemoryRecords } from '../../../src/storage/memory.ts'
import { createNodeSha256 } from '../../../src/storage/sha256.node.ts'
import { patternBytes } from '../../contract/file-store.ts'
import { waitUntil } from '../../support/wait.ts'
import { createTestPeer, ended, join, nextOffer, pausedFiles, readSource, stopPeers, turned } from './two-hosts.ts'

function sha256(bytes: Uint8Array): string {
  const hash = createNodeSha256()
  hash.update(bytes)
  return hash.digest()
}

afterEach(stopPeers)

describe('file transfer', () => {
  for (const size of [0, 1, 262_144, 262_145, 3_000_000]) {
    it(`${size} bytes arrive, and both sides show the same SHA-256`, async () => {
      const [a, b] = [createTestPeer(), createTestPeer()]
      join(a, b)
      const bytes = patternBytes(size, size + 5)
      const id = await a.service.offer('b', new File([bytes], 'photo.jpg', { type: 'image/jpeg' }))
      const offer = await nextOffer(b)
      assert.deepEqual([offer.name, offer.size, offer.type, offer.status, offer.direction], ['photo.jpg', size, 'image/jpeg', 'offered', 'in'])
      await b.service.accept(offer.id)
      const [sent, received] = await Promise.all([ended(a, id), ended(b, offer.id)])
      assert.deepEqual([sent.status, received.status], ['done', 'done'])
      assert.deepEqual([sent.sha256, received.sha256], [sha256(bytes), sha256(bytes)])
      assert.deepEqual([sent.done, received.done], [size, size])
      const blob = await b.service.open(offer.id)
      assert.equal(blob.type, 'image/jpeg')
      assert.equal(sha256(new Uint8Array(await blob.arrayBuffer())), sha256(bytes))
    })
  }

  it('moves no content before the offer is accepted', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const { pairs } = join(a, b)
    let pulled = 0
    const source = readSource(500_000, (_, length) => {
      pulled++
      return patternBytes(length)
    })
    await a.service.offer('b', source, { name: 'x' })
    const offer = await nextOffer(b)
    await waitUntil(() => pairs[0]?.waiting() === 0, { what: 'the offer to be read' })
    assert.equal(pulled, 0)
    await b.service.accept(offer.id)
    await ended(b, offer.id)
    assert.equal(pulled, 2)
  })

  it('never opens what a browser would run: HTML and SVG come back as bytes', async () => {
    for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml']) {
      const [a, b] = [createTestPeer(), createTestPeer()]
      join(a, b)
      await a.service.offer('b', new Blob(['<script>'], { type }), { name: 'page' })
      const offer = await nextOffer(b)
      await b.service.accept(offer.id)
      await ended(b, offer.id)
      assert.equal((await b.service.open(offer.id)).type, 'application/octet-stream')
    }
  })

  it('decline is known on both sides, and nothing was stored', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    const id = await a.service.offer('b', new Blob(['hello']), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.decline(offer.id)
    assert.equal((await ended(a, id)).status, 'declined')
    assert.equal((await ended(b, offer.id)).status, 'declined')
    await assert.rejects(b.service.open(offer.id), { code: 'BAD_ARGUMENT' })
    await assert.rejects(b.service.accept(offer.id), { code: 'BAD_ARGUMENT' })
    assert.equal(await b.files.size(offer.id), undefined)
  })

  it('the sender can withdraw an offer', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    const id = await a.service.offer('b', new Blob(['hello']), { name: 'x' })
    const offer = await nextOffer(b)
    await a.service.cancel(id)
    assert.equal((await ended(a, id)).status, 'cancelled')
    const other = await ended(b, offer.id)
    assert.deepEqual([other.status, other.problem?.message], ['cancelled', 'the other person cancelled'])
    await assert.rejects(b.service.accept(offer.id), { code: 'BAD_ARGUMENT' })
  })

  for (const side of ['sender', 'receiver'] as const) {
    it(`the ${side} can cancel in the middle; both sides say so and nothing stays`, async () => {
      const paused = pausedFiles()
      const [a, b] = [createTestPeer(), createTestPeer({ files: paused.files })]
      join(a, b)
      const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
      const offer = await nextOffer(b)
      await b.service.accept(offer.id)
      await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
      await (side === 'sender' ? a.service.cancel(id) : b.service.cancel(offer.id))
      paused.release()
      assert.equal((await ended(a, id)).status, 'cancelled')
      assert.equal((await ended(b, offer.id)).status, 'cancelled')
      assert.equal(await b.files.size(offer.id), undefined)
      await waitUntil(async () => (await paused.used()) === 0, { what: 'the partial bytes to be gone' })
    })
  }

  it('a source that vanishes fails both sides with SOURCE_CHANGED', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    const source = readSource(3_000_000, (at, length) => {
      if (at > 1_000_000) throw new DOMException('gone', 'NotReadableError')
      return patternBytes(length)
    })
    const id = await a.service.offer('b', source, { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    assert.equal((await ended(a, id)).problem?.code, 'SOURCE_CHANGED')
    assert.equal((await ended(b, offer.id)).problem?.code, 'SOURCE_CHANGED')
  })

  it('accept refuses with STORAGE_FULL what does not fit, and the offer stays', async () => {
    const [a, b] = [createTestPeer(), createTestPeer({ files: createMemoryFiles({ cap: 1000 }) })]
    join(a, b)
    await a.service.offer('b', new Blob([patternBytes(2000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await assert.rejects(b.service.accept(offer.id), { code: 'STORAGE_FULL' })
    assert.equal(b.service.transfers()[0]?.status, 'offered')
    await b.service.decline(offer.id)
  })

  it('a disk that fills up in the middle pauses both sides with STORAGE_FULL and keeps what was written', async () => {
    const files = createMemoryFiles({ cap: 1_000_000 })
    const [a, b] = [createTestPeer(), createTestPeer({ files: { ...files, estimate: async () => ({}) } })]
    join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    const [sent, received] = [await turned(a, id, 'paused'), await turned(b, offer.id, 'paused')]
    assert.deepEqual([sent.pausedBy, received.pausedBy], ['them', 'me'])
    assert.deepEqual([sent.problem?.code, received.problem?.code], ['STORAGE_FULL', 'STORAGE_FULL'])
    assert.equal(sent.problem?.message, 'the other device has no space left')
    assert.ok(((await files.estimate()).used ?? 0) > 500_000)
    await b.service.cancel(offer.id)
    await waitUntil(async () => (await files.estimate()).used === 0, { what: 'the bytes to be gone' })
  })

  it('progress is told at most ten times a second, in order, with speed and time left', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    const started = performance.now()
    const id = await a.service.offer('b', new Blob([patternBytes(30_000_000)]), { name: 'x' })
    await b.service.accept((await nextOffer(b)).id)
    await ended(a, id)
    const seconds = (performance.now() - started) / 1000
    const moving = a.changes.filter((info) => info.status === 'running')
    assert.ok(moving.length <= seconds * 10 + 3, `${moving.length} events in ${seconds} s`)
    const done = moving.map((info) => info.done)
    assert.deepEqual(
      done,
      [...done].sort((x, y) => x - y),
    )
    assert.ok(a.changes.some((info) => info.rate > 0))
  })

  it('history survives a restart; what an older version had under way has failed with PATH_LOST and its bytes are gone', async () => {
    const records = createMemoryRecords()
    const files = createMemoryFiles()
    const info: TransferInfo = { id: 'old-1', peer: 'p', direction: 'in', name: 'n', size: 9, type: '', done: 3, rate: 1, status: 'running', at: 1 }
    await records.put('transfer', 'old-1', info)
    await records.put('transfer', 'old-2', { ...info, id: 'old-2', status: 'done', at: 2 })
    await (await files.create('old-1')).write(new Uint8Array(300_000))
    const peer = createTestPeer({ records, files })
    await waitUntil(() => peer.service.transfers().length === 2, { what: 'the history' })
    const list = peer.service.transfers()
    assert.deepEqual(
      list.map(({ id, status, problem }) => [id, status, problem?.code]),
      [
        ['old-1', 'failed', 'PATH_LOST'],
        ['old-2', 'done', undefined],
      ],
    )
    await waitUntil(async () => (await files.estimate()).used === 0, { what: 'the stale bytes to be gone' })
    assert.equal((await records.get<TransferInfo>('transfer', 'old-1'))?.status, 'failed')
  })

  it('remove forgets a transfer and its bytes', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    await a.service.offer('b', new Blob(['hello']), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await ended(b, offer.id)
    await b.service.remove(offer.id)
    assert.deepEqual(b.service.transfers(), [])
    assert.equal(await b.files.size(offer.id), undefined)
    assert.equal(await b.records.get('transfer', offer.id), undefined)
    await assert.rejects(b.service.remove(offer.id), { code: 'BAD_ARGUMENT' })
  })

  it('leaving the mesh ends what runs', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    join(a, b)
    const id = await a.service.offer('b', new Blob(['hello']), { name: 'x' })
    const offer = await nextOffer(b)
    a.stop()
    assert.equal((await ended(a, id)).problem?.code, 'PATH_LOST')
    assert.equal((await ended(b, offer.id)).status, 'failed')
  })

  it('64 MiB pass through with a flat heap', async () => {
    const blocks = 256
    const block = patternBytes(262_144, 3)
    const source = readSource(blocks * block.byteLength, () => block.slice())
    let size = 0
    const hash = createNodeSha256()
    const files = createMemoryFiles()
    const counting = {
      ...files,
      estimate: async () => ({}),
      create: async () => ({
        offset: 0,
        write: async (chunk: Uint8Array) => {
          hash.update(chunk)
          size += chunk.byteLength
        },
        finish: async () => ({ size, sha256: hash.digest() }),
        discard: async () => undefined,
        release: async () => undefined,
      }),
    }
    const [a, b] = [createTestPeer(), createTestPeer({ files: counting })]
    join(a, b)
    const id = await a.service.offer('b', source)
    const offer = await nextOffer(b)
    const before = process.memoryUsage().rss
    let peak = before
    const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5)
    await b.service.accept(offer.id)
    const info = await ended(a, id)
    clearInterval(timer)
    assert.equal(info.status, 'done')
    assert.equal(size, 64 * 1_048_576)
    assert.ok(peak - before < 48 * 1_048_576, `rss grew by ${Math.round((peak - before) / 1_048_576)} MiB`)
  })
})
