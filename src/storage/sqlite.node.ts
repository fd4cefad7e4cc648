/** Records in one SQLite file (WAL), values as tagged JSON. File and journal are 0600. Must never hold key material in the clear: the owner of `secret` seals it. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { CollectionName, RecordStore } from '../core/stores.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { LIST_LIMIT } from './limits.ts'
import { decodeTagged, encodeTagged } from './tagged-json.ts'

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS record (collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)) WITHOUT ROWID'
const BUSY_MS = 5000 // another process of ours (the CLI) holds the file for milliseconds
const SQLITE_FULL = 13 // primary result code: disk full

/** Opens (and makes) the file at `path`; its directory is made 0700. STORAGE_FAILED when it cannot be opened or is no database. */
export async function openSqliteRecords(path: string): Promise<RecordStore> {
  let database: DatabaseSync | undefined = openDatabase(path)
  const run = <T>(work: (database: DatabaseSync) => T): T => {
    if (!database) throw new MeshError('CLOSED', 'the record store was closed')
    try {
      return work(database)
    } catch (error) {
      throw mapError(error)
    }
  }
  const statements = {
    get: database.prepare('SELECT value FROM record WHERE collection = ? AND key = ?'),
    put: database.prepare('INSERT INTO record VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    delete: database.prepare('DELETE FROM record WHERE collection = ? AND key = ?'),
    list: database.prepare('SELECT key, value FROM record WHERE collection = ? AND key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key LIMIT ?'),
  }
  const read = <T>(collection: string, key: string): T | undefined => {
    const row = statements.get.get(collection, key)
    return row && (decodeTagged(row.value as string) as T)
  }
  return {
    get: async <T>(collection: CollectionName, key: string) => run(() => read<T>(collection, key)),
    put: async (collection, key, value) => run(() => void statements.put.run(collection, key, encodeTagged(value))),
    delete: async (collection, key) => run(() => void statements.delete.run(collection, key)),
    list: async <T>(collection: CollectionName, { prefix = '', limit = LIST_LIMIT }: { prefix?: string; limit?: number } = {}) =>
      run(() =>
        statements.list
          .all(collection, prefix, prefix, prefix, limit)
          .map((row) => [row.key as string, decodeTagged(row.value as string) as T] as const),
      ),
    update: async <T>(collection: CollectionName, key: string, change: (old: T | undefined) => T | undefined) =>
      run((open) =>
        inTransaction(open, () => {
          const next = change(read<T>(collection, key))
          if (next === undefined) statements.delete.run(collection, key)
          else statements.put.run(collection, key, encodeTagged(next))
          return next
        }),
      ),
    batch: async (writes) =>
      run((open) =>
        inTransaction(open, () => {
          for (const { collection, key, value } of writes) {
            if (value === undefined) statements.delete.run(collection, key)
            else statements.put.run(collection, key, encodeTagged(value))
          }
        }),
      ),
    async close() {
      database?.close()
      database = undefined
    },
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Made by us first, so that there is no moment in which others can read it; SQLite gives its journals the same mode.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${BUSY_MS}`)
    database.exec(SCHEMA)
    return database
  } catch (error) {
    throw mapError(error)
  }
}

/** BEGIN IMMEDIATE, so that two processes cannot both read the old value. */
function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function mapError(error: unknown): unknown {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  if (code === 'ENOSPC' || errcode === SQLITE_FULL) return new MeshError('STORAGE_FULL', 'the disk is full', { cause: error })
  if (code === 'ERR_SQLITE_ERROR' || (typeof code === 'string' && /^E[A-Z]+$/.test(code))) return toMeshError(error, 'STORAGE_FAILED')
  // What `change` threw is the caller's own.
  return error
}
