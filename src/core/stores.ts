/** Contracts of what is kept: records (IndexedDB, SQLite, memory) and file bytes (OPFS, disk, memory). Implementations live in storage. */

/** Small values by key inside named collections. Values are structured-cloneable; on Node.js they are JSON plus Uint8Array. */
export interface RecordStore {
  get<T>(collection: CollectionName, key: string): Promise<T | undefined>
  put<T>(collection: CollectionName, key: string, value: T): Promise<void>
  delete(collection: CollectionName, key: string): Promise<void>
  /** Key order; `prefix` filters, `limit` caps (default 1000). */
  list<T>(collection: CollectionName, options?: { prefix?: string; limit?: number }): Promise<readonly (readonly [string, T])[]>
  /** Read, change, write as one transaction; `change` is synchronous and returns undefined to delete. */
  update<T>(collection: CollectionName, key: string, change: (old: T | undefined) => T | undefined): Promise<T | undefined>
  close(): Promise<void>
}

/** Closed list: one collection, one owner. `secret` holds CryptoKeys in browsers and sealed bytes on Node.js. */
export type CollectionName = 'secret' | 'setting' | 'policy' | 'message' | 'outbox' | 'transfer' | 'peer' | 'relay'

/** Where received bytes go while they arrive. */
export interface FileSink {
  /** Write at the end. Resolves when the bytes left our buffers. STORAGE_FULL / STORAGE_FAILED. The chunk is transferred: do not touch it afterwards. */
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  /** Flush, close and return what lies on disk: size in bytes and its SHA-256, lower-case hex. */
  finish(): Promise<{ readonly size: number; readonly sha256: string }>
  /** Close and remove. Idempotent. */
  discard(): Promise<void>
}

export interface FileStore {
  /** `id` is the transfer id [a-z0-9-], never a name that a peer chose. */
  create(id: string): Promise<FileSink>
  /** The stored bytes from `offset`, in chunks of at most 256 KiB, pulled. */
  read(id: string, offset?: number): ReadableStream<Uint8Array<ArrayBuffer>>
  size(id: string): Promise<number | undefined>
  remove(id: string): Promise<void>
  /** Bytes free and used, where the platform tells. */
  estimate(): Promise<{ readonly free?: number; readonly used?: number }>
  close(): Promise<void>
}
