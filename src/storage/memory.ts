/** Records and files that live as long as the process: tests, and peers that keep nothing. Values are cloned on the way in and out, so that nobody shares an object with the store. */
import type { CollectionName, FileStore, RecordStore } from '../core/stores.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { createFileStore, type FileBackend, wholeBlocks } from './file-backend.ts'
import { LIST_LIMIT, READ_CHUNK } from './limits.ts'
import { createSha256 } from './sha256.ts'

export function createMemoryRecords(): RecordStore {
  const collections = new Map<CollectionName, Map<string, unknown>>()
  let closed = false
  const of = (name: CollectionName): Map<string, unknown> => {
    if (closed) throw new MeshError('CLOSED', 'the record store was closed')
    let collection = collections.get(name)
    if (!collection) collections.set(name, (collection = new Map()))
    return collection
  }
  return {
    async get<T>(collection: CollectionName, key: string) {
      return structuredClone(of(collection).get(key)) as T | undefined
    },
    async put(collection, key, value) {
      of(collection).set(key, structuredClone(value))
    },
    async delete(collection, key) {
      of(collection).delete(key)
    },
    async list<T>(collection: CollectionName, { prefix = '', limit = LIST_LIMIT }: { prefix?: string; limit?: number } = {}) {
      const rows = of(collection)
      const keys = [...rows.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort()
        .slice(0, limit)
      return keys.map((key) => [key, structuredClone(rows.get(key)) as T] as const)
    },
    async update<T>(collection: CollectionName, key: string, change: (old: T | undefined) => T | undefined) {
      const rows = of(collection)
      const next = change(structuredClone(rows.get(key)) as T | undefined)
      if (next === undefined) rows.delete(key)
      else rows.set(key, structuredClone(next))
      return next
    },
    async batch(writes) {
      // Cloned first: a value that cannot be stored must leave no half of it.
      const cloned = writes.map(({ collection, key, value }) => ({ rows: of(collection), key, value: structuredClone(value) }))
      for (const { rows, key, value } of cloned) {
        if (value === undefined) rows.delete(key)
        else rows.set(key, value)
      }
    },
    async close() {
      closed = true
    },
  }
}

interface MemoryFile {
  readonly chunks: Uint8Array<ArrayBuffer>[]
  size: number
}

/** Bytes that were taken away, so that `size` are left. */
function cut(file: MemoryFile, size: number): number {
  const surplus = file.size - size
  while (file.size > size) {
    const last = file.chunks.pop() as Uint8Array<ArrayBuffer>
    file.size -= last.byteLength
    if (file.size >= size) continue
    file.chunks.push(last.subarray(0, size - file.size))
    file.size = size
  }
  return surplus
}

/** `cap` = bytes of all files together; STORAGE_FULL above it. Default 256 MiB. */
export function createMemoryFiles({ cap = 268_435_456 }: { readonly cap?: number } = {}): FileStore {
  const files = new Map<string, MemoryFile>()
  const parts = new Map<string, MemoryFile>()
  let used = 0
  const drop = (map: Map<string, MemoryFile>, id: string) => {
    used -= map.get(id)?.size ?? 0
    map.delete(id)
  }
  const blobOf = (file: MemoryFile): Blob => new Blob(file.chunks)
  const backend: FileBackend = {
    async openPart(id, keep) {
      if (!keep) drop(parts, id)
      const file = parts.get(id) ?? (keep ? files.get(id) : undefined) ?? { chunks: [], size: 0 }
      if (keep) files.delete(id)
      parts.set(id, file)
      used -= cut(file, wholeBlocks(file.size))
      return {
        size: file.size,
        async *bytes() {
          yield* file.chunks
        },
        append(bytes) {
          if (used + bytes.byteLength > cap) throw new MeshError('STORAGE_FULL', `${cap} bytes of memory are used up`)
          file.chunks.push(bytes.slice())
          file.size += bytes.byteLength
          used += bytes.byteLength
        },
        async finish() {
          drop(files, id)
          parts.delete(id)
          files.set(id, file)
        },
        close: async () => undefined,
        async discard() {
          if (parts.get(id) === file) drop(parts, id)
        },
      }
    },
    async openRead(id) {
      const file = files.get(id)
      if (!file) return undefined
      const blob = blobOf(file)
      return {
        size: file.size,
        slice: async (at, length) => new Uint8Array(await blob.slice(at, at + Math.min(length, READ_CHUNK)).arrayBuffer()),
        close: async () => undefined,
      }
    },
    async blob(id) {
      const file = files.get(id)
      return file && blobOf(file)
    },
    size: async (id) => files.get(id)?.size,
    async remove(id) {
      drop(files, id)
      drop(parts, id)
    },
    estimate: async () => ({ free: cap - used, used }),
    mapError: (error) => toMeshError(error, 'STORAGE_FAILED'),
    async close() {
      files.clear()
      parts.clear()
      used = 0
    },
  }
  return createFileStore(backend, createSha256)
}
