/** Contract suite of FileStore (src/core/stores.ts) as a list of cases, so that one suite runs in Node.js, in a worker and across a port. */
import type { FileStore } from '../../src/core/stores.ts'
import { expectCode, expectEqual, expectTrue } from '../support/expect.ts'

export interface FileStoreCase {
  readonly name: string
  /** `store` is empty. */
  run(store: FileStore): Promise<void>
}

/** Pseudo-random bytes, the same for the same seed (LCG); no two files of the suite are alike. */
export function patternBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    out[i] = state >>> 24
  }
  return out
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<{ bytes: Uint8Array<ArrayBuffer>; largest: number }> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
  }
  return { bytes: new Uint8Array(await new Blob(parts).arrayBuffer()), largest: Math.max(0, ...parts.map((part) => part.byteLength)) }
}

async function same(actual: Uint8Array<ArrayBuffer>, expected: Uint8Array<ArrayBuffer>, what: string): Promise<void> {
  expectEqual([actual.byteLength, await sha256(actual)], [expected.byteLength, await sha256(expected)], what)
}

/** Writes `bytes` in pieces of `piece`; each piece is a copy, since a sink takes what it is given. */
async function fill(store: FileStore, id: string, bytes: Uint8Array<ArrayBuffer>, piece: number): Promise<{ size: number; sha256: string }> {
  const sink = await store.create(id)
  for (let at = 0; at < bytes.byteLength; at += piece) await sink.write(bytes.slice(at, at + piece))
  return sink.finish()
}

export const fileStoreCases: readonly FileStoreCase[] = [
  ...[0, 1, 262_143, 262_144, 262_145, 1_500_000].map((size) => ({
    name: `a file of ${size} bytes comes back as it was, with its size and SHA-256`,
    async run(store: FileStore) {
      const bytes = patternBytes(size, size + 1)
      expectEqual(await fill(store, 'f-1', bytes, 100_000), { size, sha256: await sha256(bytes) })
      expectEqual(await store.size('f-1'), size)
      const { bytes: back, largest } = await readAll(store.read('f-1'))
      await same(back, bytes, 'read')
      expectTrue(largest <= 262_144, `chunks of at most 256 KiB, got ${largest}`)
      const blob = await store.open('f-1')
      await same(new Uint8Array(await blob.arrayBuffer()), bytes, 'blob')
    },
  })),
  {
    name: 'write takes chunks of any size, from 1 byte to 2 MiB, in order',
    async run(store) {
      const bytes = patternBytes(2_400_000, 7)
      const sink = await store.create('mixed')
      const writes: Promise<void>[] = []
      for (let at = 0, step = 1; at < bytes.byteLength; at += step, step = Math.min(step * 3, 2_097_152))
        writes.push(sink.write(bytes.slice(at, at + step)))
      await Promise.all(writes)
      expectEqual(await sink.finish(), { size: bytes.byteLength, sha256: await sha256(bytes) })
      await same((await readAll(store.read('mixed'))).bytes, bytes, 'read')
    },
  },
  {
    name: 'read starts at the offset; at or past the end it gives nothing',
    async run(store) {
      const bytes = patternBytes(600_000, 3)
      await fill(store, 'o', bytes, 50_000)
      await same((await readAll(store.read('o', 300_001))).bytes, bytes.slice(300_001), 'tail')
      expectEqual((await readAll(store.read('o', 600_000))).bytes.byteLength, 0)
      expectEqual((await readAll(store.read('o', 700_000))).bytes.byteLength, 0)
    },
  },
  {
    name: 'read can be cancelled in the middle and the file removed afterwards',
    async run(store) {
      await fill(store, 'c', patternBytes(900_000), 300_000)
      const reader = store.read('c').getReader()
      await reader.read()
      await reader.cancel()
      await store.remove('c')
      expectEqual(await store.size('c'), undefined)
    },
  },
  {
    name: 'an unfinished file is not there for readers',
    async run(store) {
      const sink = await store.create('half')
      await sink.write(patternBytes(300_000))
      expectEqual(await store.size('half'), undefined)
      await expectCode(store.open('half'), 'BAD_ARGUMENT')
      await expectCode(readAll(store.read('half')), 'BAD_ARGUMENT')
      await sink.discard()
    },
  },
  {
    name: 'discard removes, is idempotent, and the sink is CLOSED afterwards',
    async run(store) {
      const sink = await store.create('d')
      await sink.write(patternBytes(10))
      await sink.discard()
      await sink.discard()
      await expectCode(sink.write(patternBytes(1)), 'CLOSED')
      await expectCode(sink.finish(), 'CLOSED')
      const again = await store.create('d', { resume: true })
      expectEqual(again.offset, 0)
      await again.discard()
    },
  },
  {
    name: 'a finished sink is CLOSED',
    async run(store) {
      const sink = await store.create('e')
      await sink.finish()
      await expectCode(sink.write(patternBytes(1)), 'CLOSED')
      await expectCode(sink.finish(), 'CLOSED')
      await sink.discard()
      expectEqual(await store.size('e'), 0)
    },
  },
  {
    name: 'create again closes the older sink; without resume it starts empty',
    async run(store) {
      const old = await store.create('r')
      await old.write(patternBytes(300_000))
      const sink = await store.create('r')
      expectEqual(sink.offset, 0)
      await expectCode(old.write(patternBytes(1)), 'CLOSED')
      await sink.write(Uint8Array.of(1, 2, 3))
      expectEqual(await sink.finish(), { size: 3, sha256: await sha256(Uint8Array.of(1, 2, 3)) })
    },
  },
  {
    name: 'ids that are no transfer ids are refused',
    async run(store) {
      for (const id of ['', '..', 'a/b', 'A', 'a.part', 'x'.repeat(65), 'a\u0000']) {
        await expectCode(store.create(id), 'BAD_ARGUMENT')
        await expectCode(store.remove(id), 'BAD_ARGUMENT')
        await expectCode(store.size(id), 'BAD_ARGUMENT')
      }
    },
  },
  {
    name: 'remove takes finished and unfinished files and is quiet about others',
    async run(store) {
      await fill(store, 'x', patternBytes(5), 5)
      const sink = await store.create('y')
      await sink.write(patternBytes(400_000))
      for (const id of ['x', 'y', 'z']) await store.remove(id)
      await expectCode(sink.write(patternBytes(1)), 'CLOSED')
      expectEqual(await store.size('x'), undefined)
      const again = await store.create('y', { resume: true })
      expectEqual(again.offset, 0)
      await again.discard()
    },
  },
  {
    name: 'estimate says something sensible',
    async run(store) {
      const { free, used } = await store.estimate()
      expectTrue(free === undefined || free > 0, `free > 0, got ${free}`)
      expectTrue(used === undefined || used >= 0, `used >= 0, got ${used}`)
    },
  },
  {
    name: 'every call after close fails with CLOSED',
    async run(store) {
      const sink = await store.create('late')
      await store.close()
      await store.close()
      await expectCode(sink.write(patternBytes(1)), 'CLOSED')
      await expectCode(store.create('a'), 'CLOSED')
      await expectCode(store.size('a'), 'CLOSED')
      await expectCode(store.open('a'), 'CLOSED')
    },
  },
]

/** For stores whose unfinished bytes outlive a sink that was closed (all but a writable that commits at its end). */
export const resumeCases: readonly FileStoreCase[] = [
  {
    name: 'release closes and keeps whole blocks; it is idempotent, and nothing that comes later takes them away',
    async run(store) {
      const bytes = patternBytes(600_000, 12)
      const old = await store.create('rel')
      await old.write(bytes.slice())
      await old.release()
      await old.release()
      await expectCode(old.write(patternBytes(1)), 'CLOSED')
      await old.discard()
      const sink = await store.create('rel', { resume: true })
      expectEqual([sink.offset, sink.prefix], [524_288, await sha256(bytes.slice(0, 524_288))])
      await sink.discard()
    },
  },
  {
    name: 'create with resume takes up a finished file',
    async run(store) {
      const bytes = patternBytes(600_000, 13)
      await fill(store, 'fin', bytes, 100_000)
      const sink = await store.create('fin', { resume: true })
      expectEqual([sink.offset, await store.size('fin')], [524_288, undefined])
      await sink.write(bytes.slice(524_288))
      expectEqual(await sink.finish(), { size: 600_000, sha256: await sha256(bytes) })
    },
  },
  {
    name: 'create with resume goes on after what the older sink wrote, digest included',
    async run(store) {
      const bytes = patternBytes(900_000, 11)
      const old = await store.create('res')
      await old.write(bytes.slice(0, 500_000))
      const sink = await store.create('res', { resume: true })
      expectEqual([sink.offset, sink.prefix], [262_144, await sha256(bytes.slice(0, 262_144))])
      await sink.write(bytes.slice(262_144))
      expectEqual(await sink.finish(), { size: 900_000, sha256: await sha256(bytes) })
      await same((await readAll(store.read('res'))).bytes, bytes, 'read')
    },
  },
]
