/** A transfer outlives its path: it goes on over the next one, or fails when none comes. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { FileStore } from '../../../src/core/stores.ts'
import { RESUME_MS } from '../../../src/protocols/files/limits.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { createMemoryFiles } from '../../../src/storage/memory.ts'
import { createNodeSha256 } from '../../../src/storage/sha256.node.ts'
import { patternBytes } from '../../contract/file-store.ts'
import { waitUntil } from '../../support/wait.ts'
import { manualClock } from '../presence/manual-clock.ts'
import { createTestPeer, ended, goodOffer, join, nextOffer, pausedFiles, rawSender, stopPeers, turned } from './two-hosts.ts'

function sha256(bytes: Uint8Array): string {
  const hash = createNodeSha256()
  hash.update(bytes)
  return hash.digest()
}

afterEach(stopPeers)

describe('resuming', () => {
  it('a lost path does not end a transfer: it goes on over the next stream where it stopped, and nobody is asked again', async () => {
    const paused = pausedFiles()
    const [a, b] = [createTestPeer(), createTestPeer({ files: paused.files })]
    const { pairs } = join(a, b)
    const bytes = patternBytes(3_000_000)
    const id = await a.service.offer('b', new Blob([bytes]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2, { what: 'the second stream' })
    pairs[1]?.cut()
    await waitUntil(() => pairs.length === 3, { what: 'the third stream' })
    paused.release()
    for (const info of [await ended(a, id), await ended(b, offer.id)]) {
      assert.deepEqual([info.status, info.problem, info.sha256, info.done], ['done', undefined, sha256(bytes), bytes.byteLength])
    }
    assert.equal(b.offers.length, 1)
    assert.equal(sha256(new Uint8Array(await (await b.service.open(offer.id)).arrayBuffer())), sha256(bytes))
  })

  it('a verdict that was lost on the way is asked for again', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(1_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    // Everything reaches the receiver, nothing comes back any more once it has it all.
    const done = waitUntil(() => b.changes.some((info) => info.id === offer.id && info.status === 'verifying'), { what: 'all bytes there' })
    void done.then(() => pairs[0]?.cut())
    await b.service.accept(offer.id)
    assert.deepEqual([(await ended(b, offer.id)).status, (await ended(a, id)).status], ['done', 'done'])
    assert.equal(b.offers.length, 1)
  })

  it('a path lost after the last byte was handed on goes on with what the receiver lacks', async () => {
    const paused = pausedFiles()
    const [a, b] = [createTestPeer(), createTestPeer({ files: paused.files })]
    const bytes = patternBytes(3_000_000)
    const { pairs } = join(a, b, 2 * bytes.byteLength)
    const id = await a.service.offer('b', new Blob([bytes]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => a.changes.some((info) => info.status === 'verifying'), { what: 'all bytes on their way' })
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2, { what: 'the second stream' })
    paused.release()
    for (const info of [await ended(a, id), await ended(b, offer.id)]) {
      assert.deepEqual([info.status, info.problem, info.sha256, info.done], ['done', undefined, sha256(bytes), bytes.byteLength])
    }
    const shown = a.changes.map((info) => info.status).filter((status, at, all) => status !== all[at - 1])
    assert.deepEqual(shown, ['offered', 'running', 'verifying', 'running', 'verifying', 'done'], 'bytes that are sent again are shown as such')
  })

  it('a sender that comes back while the bytes are flushed hears the verdict', async () => {
    const memory = createMemoryFiles()
    const flush = Promise.withResolvers<void>()
    const files: FileStore = {
      ...memory,
      async create(id) {
        const sink = await memory.create(id)
        return { ...sink, finish: () => flush.promise.then(() => sink.finish()) }
      },
    }
    const [a, b] = [createTestPeer(), createTestPeer({ files })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(1_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => b.changes.some((info) => info.status === 'verifying'), { what: 'all bytes there' })
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2 && pairs[1]?.waiting() === 0, { what: 'the sender to be back' })
    flush.resolve()
    assert.deepEqual([(await ended(b, offer.id)).status, (await ended(a, id)).status], ['done', 'done'])
  })

  it('a sender that comes back to a flush of 100 s is told to wait, and hears the verdict', async () => {
    const memory = createMemoryFiles()
    const clock = manualClock()
    const flush = Promise.withResolvers<void>()
    const files: FileStore = {
      ...memory,
      async create(id) {
        const sink = await memory.create(id)
        return { ...sink, finish: () => flush.promise.then(() => sink.finish()) }
      },
    }
    const [a, b] = [createTestPeer({ clock }), createTestPeer({ files, clock })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(1_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => b.changes.some((info) => info.status === 'verifying'), { what: 'all bytes there' })
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2 && pairs[1]?.waiting() === 0, { what: 'the sender to be back' })
    for (let s = 0; s < 100; s += 5) {
      clock.advance(5_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual([a, b].map((peer) => peer.service.transfers()[0]?.status).includes('failed'), false)
    flush.resolve()
    assert.deepEqual([(await ended(b, offer.id)).status, (await ended(a, id)).status], ['done', 'done'])
  })

  it('a path lost before the sender heard of the acceptance does not end the transfer', async () => {
    const memory = createMemoryFiles()
    const gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    // The receiver has accepted, and its answer is not out yet.
    const files: FileStore = {
      ...memory,
      async create(id) {
        const sink = await memory.create(id)
        asked.resolve()
        await gate.promise
        return sink
      },
    }
    const [a, b] = [createTestPeer(), createTestPeer({ files })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(1_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await asked.promise
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2, { what: 'the second stream' })
    gate.resolve()
    assert.deepEqual([(await ended(b, offer.id)).status, (await ended(a, id)).status], ['done', 'done'])
    assert.equal(b.offers.length, 1)
  })

  it('a receiver that cancels while the path is gone says so to the sender that comes back', async () => {
    const paused = pausedFiles()
    const [a, b] = [createTestPeer(), createTestPeer({ files: paused.files })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
    let tries = 0
    a.connect(() => {
      tries++
      throw new MeshError('PEER_UNREACHABLE', 'no path')
    })
    pairs[0]?.cut()
    await waitUntil(() => tries > 0, { what: 'the first try' })
    await b.service.cancel(offer.id)
    paused.release()
    assert.equal((await ended(b, offer.id)).status, 'cancelled')
    join(a, b)
    const info = await ended(a, id)
    assert.deepEqual([info.status, info.problem?.code], ['cancelled', 'ABORTED'])
  })

  it('a sender that cancels while the path is gone tells the receiver as soon as there is one', async () => {
    const paused = pausedFiles()
    const [a, b] = [createTestPeer(), createTestPeer({ files: paused.files })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
    let tries = 0
    a.connect(() => {
      tries++
      throw new MeshError('PEER_UNREACHABLE', 'no path')
    })
    pairs[0]?.cut()
    await waitUntil(() => tries > 0, { what: 'the first try' })
    await a.service.cancel(id)
    assert.equal((await ended(a, id)).status, 'cancelled')
    const before = tries
    await waitUntil(() => tries > before, { what: 'the goodbye to look for a path' })
    const again = join(a, b)
    paused.release()
    // Well before the 45 s after which it would give up with PATH_LOST.
    const info = await ended(b, offer.id)
    assert.deepEqual([info.status, info.problem?.code], ['cancelled', 'ABORTED'])
    assert.equal(b.offers.length, 1)
    await waitUntil(async () => (await paused.used()) === 0, { what: 'the partial bytes to be gone' })
    await again.pairs[0]?.a.closed
  })

  it('a sender that leaves while its goodbye looks for a path stops looking', async () => {
    const clock = manualClock()
    const paused = pausedFiles()
    const [a, b] = [createTestPeer({ clock }), createTestPeer({ files: paused.files, clock })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
    await b.service.accept((await nextOffer(b)).id)
    await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
    let tries = 0
    a.connect(() => {
      tries++
      throw new MeshError('PEER_UNREACHABLE', 'no path')
    })
    pairs[0]?.cut()
    await waitUntil(() => tries === 1, { what: 'the first try' })
    await a.service.cancel(id)
    await waitUntil(() => tries === 2, { what: 'the goodbye' })
    a.stop()
    for (let s = 0; s < RESUME_MS; s += 5_000) {
      clock.advance(5_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(tries, 2)
    paused.release()
  })

  it('a sender that comes back before the answer ends its offer, and no stream of it stays', async () => {
    const b = createTestPeer()
    const first = rawSender(b)
    await first.json(goodOffer())
    const { id } = await nextOffer(b)
    const second = rawSender(b)
    await second.json(goodOffer({ resume: true }))
    assert.equal((await ended(b, id)).status, 'failed')
    await assert.rejects(first.stream.closed)
    await assert.rejects(second.stream.closed)
  })

  it('nobody else can come back to a transfer, whatever id is said', async () => {
    const paused = pausedFiles()
    const b = createTestPeer({ files: paused.files })
    const first = rawSender(b)
    await first.json(goodOffer())
    const { id } = await nextOffer(b)
    await b.service.accept(id)
    assert.deepEqual(await first.next(), { kind: 'accept', offset: 0 })
    const other = rawSender(b, 65_536, 'somebody else')
    await other.json(goodOffer({ resume: true }))
    assert.deepEqual(await other.next(), { kind: 'stop', code: 'PATH_LOST' })
    await first.block(patternBytes(10))
    await first.raw(new Uint8Array([0]))
    await first.json({ kind: 'digest', sha256: sha256(patternBytes(10)) })
    assert.equal((await ended(b, id)).status, 'done')
  })

  it('a path that stays lost for 45 s fails nobody: both wait, the file is closed, and it goes on when there is one', async () => {
    const paused = pausedFiles()
    const clock = manualClock()
    const [a, b] = [createTestPeer({ clock }), createTestPeer({ files: paused.files, clock })]
    const { pairs } = join(a, b)
    const id = await a.service.offer('b', new Blob([patternBytes(3_000_000)]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    await waitUntil(() => paused.blocked(), { what: 'the first bytes' })
    let tries = 0
    a.connect(() => {
      tries++
      throw new MeshError('PEER_UNREACHABLE', 'no path')
    })
    pairs[0]?.cut()
    await waitUntil(() => tries > 0, { what: 'the first try' })
    paused.release()
    clock.advance(RESUME_MS)
    for (const info of [await turned(a, id, 'waiting'), await turned(b, offer.id, 'waiting')]) assert.equal(info.problem, undefined)
    const kept = await paused.used()
    assert.ok((kept ?? 0) > 0, `${kept} bytes are kept`)
    join(a, b)
    await waitUntil(
      () => {
        clock.advance(5_000)
        return b.service.transfers()[0]?.status === 'done' && a.service.transfers()[0]?.status === 'done'
      },
      { what: 'the end of it' },
    )
    assert.ok((b.service.transfers()[0]?.resumedAt ?? 0) > 0)
    assert.equal(b.offers.length, 1)
  })

  it('a sender that comes back with what is not under way here is refused, and nobody is asked', async () => {
    const b = createTestPeer()
    const raw = rawSender(b)
    await raw.json(goodOffer({ resume: true }))
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'PATH_LOST' })
    assert.equal(b.offers.length, 0)
  })
})
