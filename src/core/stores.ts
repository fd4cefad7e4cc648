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
  /** All of them or none, as one transaction, in this order; on disk before it resolves where the platform can say so. */
  batch(writes: readonly RecordWrite[]): Promise<void>
  close(): Promise<void>
}

/** `value: undefined` deletes. */
export interface RecordWrite {
  readonly collection: CollectionName
  readonly key: string
  readonly value: unknown
}

/** Closed list: one collection, one owner. `secret` holds CryptoKeys in browsers and sealed bytes on Node.js. */
export type CollectionName = 'secret' | 'setting' | 'policy' | 'message' | 'outbox' | 'transfer' | 'peer' | 'relay' | 'mesh'

/** A digest that takes its input piece by piece. One use. */
export interface IncrementalHash {
  /** The bytes are read now and not kept. */
  update(chunk: Uint8Array): void
  /** Of what came so far; more may follow. Lower-case hex. */
  peek(): string
  /** Lower-case hex; nothing may follow. */
  digest(): string
}

/** Where received bytes go while they arrive. */
export interface FileSink {
  /** Bytes that were there already: 0, or more after `create(id, { resume: true })`, then whole blocks of 256 KiB. */
  readonly offset: number
  /** SHA-256 of these, lower-case hex, when there are any. */
  readonly prefix?: string
  /** Write at the end. Resolves when the bytes left our buffers. STORAGE_FULL / STORAGE_FAILED. The chunk is transferred: do not touch it afterwards. */
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  /** Flush, close and return what lies on disk: size in bytes and its SHA-256, lower-case hex. */
  finish(): Promise<{ readonly size: number; readonly sha256: string }>
  /** Close and keep the bytes for `create(id, { resume: true })`, also after a write that failed. Idempotent. */
  release(): Promise<void>
  /** Close and remove. Idempotent. */
  discard(): Promise<void>
}

export interface FileStore {
  /**
   * `id` is the transfer id [a-z0-9-], 1 … 64 characters, never a name that a peer chose (BAD_ARGUMENT). Starts empty, or with `resume` after the
   * whole blocks of 256 KiB that an unfinished sink of this id left, be it that its process died; a finished file becomes unfinished again. A sink of the same id that is still open is closed: its calls fail with CLOSED.
   */
  create(id: string, options?: { readonly resume?: boolean }): Promise<FileSink>
  /** The stored bytes from `offset`, in chunks of at most 256 KiB, pulled. Errors with BAD_ARGUMENT when there is no finished file of this id. */
  read(id: string, offset?: number): ReadableStream<Uint8Array<ArrayBuffer>>
  /** A finished file as a Blob that reads from where it lies. BAD_ARGUMENT when there is none. */
  open(id: string): Promise<Blob>
  /** Bytes of a finished file, undefined when there is none. */
  size(id: string): Promise<number | undefined>
  /** Finished or not; an open sink of this id is discarded. */
  remove(id: string): Promise<void>
  /** Bytes free and used, where the platform tells. */
  estimate(): Promise<{ readonly free?: number; readonly used?: number }>
  close(): Promise<void>
}
