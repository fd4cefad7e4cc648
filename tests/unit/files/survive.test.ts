/** Transfers that outlive a restart of either side, a pause, a full disk and the loss of the file's handle: nothing moves twice that need not, and the bytes are right in the end. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { TransferInfo } from '../../../src/core/mesh.ts'
import { BLOCK, SPACE_EVERY_MS, WAIT_MS } from '../../../src/protocols/files/limits.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { createMemoryFiles } from '../../../src/storage/memory.ts'
import { createNodeSha256 } from '../../../src/storage/sha256.node.ts'
import { patternBytes } from '../../contract/file-store.ts'
import { waitUntil } from '../../support/wait.ts'
import { createTestPeer, ended, goodOffer, join, nextOffer, rawSender, readSource, stopPeers, type TestPeer, turned } from './two-hosts.ts'

const SIZE = 8_000_000
const BYTES = patternBytes(SIZE, 21)
const SHA256 = digest(BYTES)

function digest(bytes: Uint8Array): string {
  const hash = createNodeSha256()
  hash.update(bytes)
  return hash.digest()
}

/** A source that stops after `upTo` bytes until it is released. */
function dammed(upTo: number): { source: Blob; sent(): number; release(): void } {
  const gate = Promise.withResolvers<void>()
  let read = 0
  const at = (from: number): Blob => {
    const blob = readSource(SIZE - from, (offset, length) => {
      read = Math.max(read, from + offset)
      return BYTES.slice(from + offset, from + offset + length)
    })
    const stream = () =>
      blob.stream().pipeThrough(
        new TransformStream(
          {
            async transform(chunk, controller) {
              if (read >= upTo) await gate.promise
              controller.enqueue(chunk)
            },
          },
          undefined,
          { highWaterMark: 0 },
        ),
      )
    return {
      size: SIZE - from,
      type: '',
      stream,
      slice: (start: number, end?: number) => (end === undefined ? at(from + start) : new Blob([BYTES.slice(from + start, from + end)])),
    } as unknown as Blob
  }
  return { source: at(0), sent: () => read, release: gate.resolve }
}

/** Both may open streams to each other. */
function joinBoth(a: TestPeer, b: TestPeer) {
  const { pairs } = join(a, b)
  join(b, a, 65_536, ['b', 'a'])
  return pairs
}

async function underWay(a: TestPeer, b: TestPeer, source: Blob) {
  const pairs = joinBoth(a, b)
  const id = await a.service.offer('b', source, { name: 'x.bin' })
  const offer = await nextOffer(b)
  await b.service.accept(offer.id)
  await waitUntil(async () => ((await b.files.estimate()).used ?? 0) > 2_200_000, { what: 'some bytes to be there' })
  return { id, offer, pairs }
}

function again(peer: TestPeer): TestPeer {
  peer.stop()
  return createTestPeer({ files: peer.files, records: peer.records })
}

async function both(a: TestPeer, id: string, b: TestPeer, theirs: string): Promise<readonly TransferInfo[]> {
  const infos = [await ended(a, id), await ended(b, theirs)]
  for (const info of infos) assert.deepEqual([info.status, info.problem, info.sha256, info.done], ['done', undefined, SHA256, SIZE])
  assert.equal(digest(new Uint8Array(await (await b.service.open(theirs)).arrayBuffer())), SHA256)
  return infos
}

afterEach(stopPeers)

describe('transfers that survive', () => {
  it('the receiver restarts: it goes on behind what it stored, and nobody is asked again', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const before = (await b.files.estimate()).used ?? 0
    const b2 = again(b)
    joinBoth(a, b2)
    dam.release()
    const [, received] = await both(a, id, b2, offer.id)
    const at = received?.resumedAt ?? 0
    assert.ok(at >= before - BLOCK && at % BLOCK === 0 && at > 0, `it went on at ${at}, ${before} were there`)
    assert.equal(b2.offers.length, 0)
  })

  it('the sender restarts: it waits for the file, knows it again by what it sent, and goes on', async () => {
    const clock = quickClock()
    const [a, b] = [createTestPeer({ clock }), createTestPeer()]
    const dam = dammed(7_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    await waitUntil(async () => JSON.stringify(await a.records.get('transfer', id)).includes('"prefix"'), { what: 'the digest of what was sent' })
    const a2 = again(a)
    dam.release()
    joinBoth(a2, b)
    assert.equal((await turned(a2, id, 'waiting')).needs, 'source')
    await assert.rejects(a2.service.resume(id), { code: 'BAD_ARGUMENT' })
    await assert.rejects(a2.service.resume(id, new Blob([BYTES.slice(1)])), { code: 'SOURCE_CHANGED' })
    const other = BYTES.slice()
    other[5] = (other[5] ?? 0) ^ 1
    await assert.rejects(a2.service.resume(id, new Blob([other])), { code: 'SOURCE_CHANGED' })
    const info = a2.service.transfers()[0]
    assert.deepEqual([info?.status, info?.needs, info?.problem?.code], ['waiting', 'source', 'SOURCE_CHANGED'])
    await a2.service.resume(id, new Blob([BYTES]))
    const [sent] = await both(a2, id, b, offer.id)
    assert.ok((sent?.resumedAt ?? 0) > 2_000_000)
  })

  it('another file of the same size that was sent too little of to know is found out by what the receiver has', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(3_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const [a2, b2] = [again(a), again(b)]
    dam.release()
    joinBoth(a2, b2)
    await turned(a2, id, 'waiting')
    await a2.service.resume(id, new Blob([patternBytes(SIZE, 99)]))
    assert.equal((await ended(a2, id)).problem?.code, 'SOURCE_CHANGED')
    assert.equal((await ended(b2, offer.id)).problem?.code, 'SOURCE_CHANGED')
    await waitUntil(async () => (await b2.files.estimate()).used === 0, { what: 'the bytes to be gone' })
  })

  it('both restart', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const [b2, a2] = [again(b), again(a)]
    dam.release()
    joinBoth(a2, b2)
    await turned(a2, id, 'waiting')
    await a2.service.resume(id, new Blob([BYTES]))
    await both(a2, id, b2, offer.id)
  })

  for (const who of ['sender', 'receiver'] as const) {
    it(`the ${who} pauses and resumes: both show who did, and it goes on where it was`, async () => {
      const [a, b] = [createTestPeer(), createTestPeer()]
      const dam = dammed(4_000_000)
      const { id, offer } = await underWay(a, b, dam.source)
      const ends = [
        { peer: a, id },
        { peer: b, id: offer.id },
      ] as const
      const [mine, theirs] = who === 'sender' ? ends : [ends[1], ends[0]]
      await mine.peer.service.pause(mine.id)
      assert.equal((await turned(mine.peer, mine.id, 'paused')).pausedBy, 'me')
      const other = await turned(theirs.peer, theirs.id, 'paused')
      assert.equal(other.pausedBy, 'them')
      dam.release()
      await mine.peer.service.resume(mine.id)
      const infos = await both(a, id, b, offer.id)
      for (const info of infos) assert.ok((info.resumedAt ?? 0) > 2_000_000, `it went on at ${info.resumedAt}`)
    })
  }

  it('a pause outlives a restart, and a sender that comes back meanwhile hears of it', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer, pairs } = await underWay(a, b, dam.source)
    pairs[0]?.cut()
    await b.service.pause(offer.id)
    await turned(b, offer.id, 'paused')
    const b2 = again(b)
    dam.release()
    joinBoth(a, b2)
    assert.equal((await turned(b2, offer.id, 'paused')).pausedBy, 'me')
    assert.equal((await turned(a, id, 'paused')).pausedBy, 'them')
    await b2.service.resume(offer.id)
    await both(a, id, b2, offer.id)
  })

  it('a disk that is full pauses it, and it goes on by itself once there is space', async () => {
    const files = createMemoryFiles({ cap: SIZE + 1_000_000 })
    const filler = await files.create('filler')
    await filler.write(new Uint8Array(4_000_000))
    await filler.finish()
    const [a, b] = [createTestPeer(), createTestPeer({ files: { ...files, estimate: async () => ({ free: undefined }) }, clock: quickClock() })]
    // The space is only found to be too little while it comes.
    const free = async () => files.estimate()
    let blind = true
    Object.assign(b.files, { estimate: async () => (blind ? {} : free()) })
    joinBoth(a, b)
    const id = await a.service.offer('b', new Blob([BYTES]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    const [mine, theirs] = [await turned(b, offer.id, 'paused'), await turned(a, id, 'paused')]
    assert.deepEqual([mine.problem?.code, theirs.problem?.code, theirs.pausedBy], ['STORAGE_FULL', 'STORAGE_FULL', 'them'])
    blind = false
    assert.equal(b.service.transfers()[0]?.status, 'paused')
    await files.remove('filler')
    const [, received] = await both(a, id, b, offer.id)
    assert.ok((received?.resumedAt ?? 0) > 3_000_000, `it went on at ${received?.resumedAt}`)
  })

  it('a storage worker that dies in the middle costs a stream and nothing else', async () => {
    const memory = createMemoryFiles()
    let writes = 0
    const files = {
      ...memory,
      async create(id: string, options?: { resume?: boolean }) {
        const sink = await memory.create(id, options)
        return {
          ...sink,
          async write(chunk: Uint8Array<ArrayBuffer>) {
            if (!options?.resume && ++writes >= 10) throw Object.assign(new Error('gone'), { code: 'WORKER_GONE' })
            await sink.write(chunk)
          },
        }
      },
    }
    const [a, b] = [createTestPeer(), createTestPeer({ files })]
    const pairs = joinBoth(a, b)
    const id = await a.service.offer('b', new Blob([BYTES]), { name: 'x' })
    const offer = await nextOffer(b)
    await b.service.accept(offer.id)
    const [, received] = await both(a, id, b, offer.id)
    assert.deepEqual([received?.resumedAt, pairs.length], [9 * BLOCK, 2])
  })

  it('what waits can be cancelled by either side, and the other hears of it', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const b2 = again(b)
    await turned(b2, offer.id, 'waiting')
    await b2.service.cancel(offer.id)
    await waitUntil(async () => (await b2.files.estimate()).used === 0, { what: 'the bytes to be gone' })
    dam.release()
    joinBoth(a, b2)
    assert.deepEqual([(await ended(a, id)).status, b2.service.transfers()[0]?.status], ['cancelled', 'cancelled'])
  })

  it('a sender that restarted and cancels tells a receiver that waits', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const [a2, b2] = [again(a), again(b)]
    dam.release()
    await turned(b2, offer.id, 'waiting')
    joinBoth(a2, b2)
    await turned(a2, id, 'waiting')
    await a2.service.cancel(id)
    assert.equal((await ended(b2, offer.id)).status, 'cancelled')
  })

  it('after a week without a byte what waits has failed, and its bytes are gone', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { offer } = await underWay(a, b, dam.source)
    a.stop()
    b.stop()
    dam.release()
    const system = systemClock()
    const later = createTestPeer({ files: b.files, records: b.records, clock: { ...system, now: () => system.now() + WAIT_MS + 60_000 } })
    assert.equal((await ended(later, offer.id)).problem?.code, 'PATH_LOST')
    await waitUntil(async () => (await later.files.estimate()).used === 0, { what: 'the bytes to be gone' })
  })

  it('nobody but its sender takes up what waits', async () => {
    const [a, b] = [createTestPeer(), createTestPeer()]
    const dam = dammed(4_000_000)
    const { id, offer } = await underWay(a, b, dam.source)
    const b2 = again(b)
    await turned(b2, offer.id, 'waiting')
    const other = rawSender(b2, 65_536, 'somebody else')
    await other.json(goodOffer({ id, size: SIZE, resume: true }))
    assert.deepEqual(await other.next(), { kind: 'stop', code: 'PATH_LOST' })
    const want = rawSender(a, 65_536, 'somebody else')
    await want.json({ v: 1, kind: 'want', id })
    assert.deepEqual(await want.next(), { kind: 'stop', code: 'PATH_LOST' })
    dam.release()
  })
})

/** Waits of a second and more take 20 ms. */
function quickClock() {
  const system = systemClock()
  const started = system.monotonic()
  return {
    ...system,
    monotonic: () => started + (system.monotonic() - started) * 50,
    after: (ms: number, task: () => void) => system.after(ms === SPACE_EVERY_MS ? 20 : ms, task),
  }
}
