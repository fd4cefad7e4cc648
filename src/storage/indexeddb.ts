/** Records in IndexedDB (page and workers), one object store per collection, so that non-extractable CryptoKeys survive by structured clone. Must let go at once when a newer build wants the database. */
import { type IDBPDatabase, openDB } from 'idb'
import type { CollectionName, RecordStore, RecordWrite } from '../core/stores.ts'
import { withDeadline } from '../shared/async.ts'
import { systemClock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { DATABASE_OPEN_MS, LIST_LIMIT } from './limits.ts'

const VERSION = 2 // raise when a collection is added
const COLLECTIONS: readonly CollectionName[] = ['secret', 'setting', 'policy', 'message', 'outbox', 'transfer', 'peer', 'relay', 'mesh']
// Losing one of these costs more than the flush to disk that `strict` waits for.
const STRICT: ReadonlySet<CollectionName> = new Set(['secret', 'policy', 'outbox'])
const LAST = '\uffff' // sorts after every character that a key may hold

interface KeyRanges {
  bound(lower: string, upper: string): unknown
}

export interface BrowserRecordsOptions {
  /** Name of the database. Default 'dmesh'. */
  readonly name?: string
}

/** STORAGE_FAILED when the browser keeps nothing (private browsing) or another tab does not let go of an older database. */
export async function openBrowserRecords({ name = 'dmesh' }: BrowserRecordsOptions = {}): Promise<RecordStore> {
  let closed: string | undefined
  let opening: Promise<IDBPDatabase> | undefined
  const connect = (): Promise<IDBPDatabase> => {
    if (closed) return Promise.reject(new MeshError('CLOSED', closed))
    opening ??= openDatabase(name, {
      blocking: () => void close('a newer version of this page took the database over'),
      terminated: () => void (opening = undefined),
    })
    return opening
  }
  const close = async (why: string) => {
    closed ??= why
    const last = opening
    opening = undefined
    ;(await last?.catch(() => undefined))?.close()
  }
  const run = async <T>(work: (database: IDBPDatabase) => Promise<T>): Promise<T> => {
    try {
      return await work(await connect())
    } catch (error) {
      throw toMeshError(error, 'STORAGE_FAILED')
    }
  }
  await run(async () => undefined)
  return {
    get: (collection, key) => run((database) => database.get(collection, key)),
    put: (collection, key, value) => run((database) => write(database, collection, (store) => store.put(value, key))),
    delete: (collection, key) => run((database) => write(database, collection, (store) => store.delete(key))),
    list: <T>(collection: CollectionName, options: { prefix?: string; limit?: number } = {}) =>
      run((database) => list<T>(database, collection, options)),
    update: (collection, key, change) => run((database) => update(database, collection, key, change)),
    batch: (writes) => run((database) => batch(database, writes)),
    close: () => close('the record store was closed'),
  }
}

function openDatabase(name: string, on: { blocking(): void; terminated(): void }): Promise<IDBPDatabase> {
  return withDeadline(systemClock(), DATABASE_OPEN_MS, 'open the database', undefined, () =>
    openDB(name, VERSION, {
      upgrade(database) {
        for (const collection of COLLECTIONS) {
          if (!database.objectStoreNames.contains(collection)) database.createObjectStore(collection)
        }
      },
      ...on,
    }),
  )
}

interface WriteStore {
  put(value: unknown, key: string): Promise<unknown>
  delete(key: string): Promise<void>
}

async function write(database: IDBPDatabase, collection: CollectionName, work: (store: WriteStore) => Promise<unknown>): Promise<void> {
  const transaction = database.transaction(collection, 'readwrite', { durability: STRICT.has(collection) ? 'strict' : 'relaxed' })
  // Both promises are awaited together: a failed request also fails `done`, and neither may go unhandled.
  await Promise.all([work(transaction.store), transaction.done])
}

async function list<T>(
  database: IDBPDatabase,
  collection: CollectionName,
  { prefix = '', limit = LIST_LIMIT }: { prefix?: string; limit?: number },
): Promise<readonly (readonly [string, T])[]> {
  const ranges = (globalThis as { IDBKeyRange: KeyRanges }).IDBKeyRange
  const range = prefix === '' ? undefined : (ranges.bound(prefix, prefix + LAST) as never)
  const { store, done } = database.transaction(collection)
  const [keys, values] = await Promise.all([store.getAllKeys(range, limit), store.getAll(range, limit), done])
  return keys.map((key, index) => [String(key), values[index] as T] as const)
}

async function update<T>(
  database: IDBPDatabase,
  collection: CollectionName,
  key: string,
  change: (old: T | undefined) => T | undefined,
): Promise<T | undefined> {
  const transaction = database.transaction(collection, 'readwrite', { durability: STRICT.has(collection) ? 'strict' : 'relaxed' })
  // An abort below also rejects `done`; the error that caused it is the one to throw.
  transaction.done.catch(() => undefined)
  const old = (await transaction.store.get(key)) as T | undefined
  let next: T | undefined
  try {
    next = change(old)
  } catch (error) {
    transaction.abort()
    throw error
  }
  await Promise.all([next === undefined ? transaction.store.delete(key) : transaction.store.put(next, key), transaction.done])
  return next
}

async function batch(database: IDBPDatabase, writes: readonly RecordWrite[]): Promise<void> {
  if (writes.length === 0) return
  const transaction = database.transaction([...new Set(writes.map(({ collection }) => collection))], 'readwrite', { durability: 'strict' })
  // A failure below rejects `done` and the other requests too; the error that caused it is the one to throw.
  transaction.done.catch(() => undefined)
  const requests: Promise<unknown>[] = []
  try {
    for (const { collection, key, value } of writes) {
      const store = transaction.objectStore(collection)
      const request: Promise<unknown> = value === undefined ? store.delete(key) : store.put(value, key)
      request.catch(() => undefined)
      requests.push(request)
    }
  } catch (error) {
    transaction.abort() // a value that cannot be stored throws here, with the others on their way
    throw error
  }
  await Promise.all([...requests, transaction.done])
}
