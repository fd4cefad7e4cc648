/** A relay's access.json as a Policy: JSON with comments, read again when it changes, with a tests section that must pass first. Must never apply rows of a file that is not wholly right. */
import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Decide, Policy, PolicyRow } from '../core/access.ts'
import { createSerial } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { readAccessFile } from './access-text.ts'
import { decideBy } from './decide.ts'
import { MAX_ACCESS_FILE_BYTES, MAX_WAITING_RELOADS, RELOAD_AFTER_MS } from './limits.ts'
import { createListeners } from './listeners.ts'

export interface AccessFileOptions {
  /** access.json; its directory must exist. */
  readonly path: string
  /** Rows that hold without the file, and under it unless it says `"defaults": false`. */
  readonly defaults: readonly PolicyRow[]
  readonly clock: Clock
  readonly log: Log
}

export interface AccessFile extends Policy {
  /** PeerIDs that the file names as owners: they have the role 'own' at this relay. */
  owners(): ReadonlySet<string>
  /** Why the newest file was not applied (BAD_CONFIG, UNKNOWN_CAPABILITY, GRANT_CONTRADICTS and ACCESS_LOCKOUT name the line, PERMISSION_DENIED the mode); undefined when it was. */
  problem(): MeshError | undefined
  /** Read the file now, e.g. on SIGHUP. Resolves when its rows hold; rejects with problem() and keeps the old rows otherwise. */
  reload(): Promise<void>
  /** Stop watching. Idempotent. */
  close(): void
}

/** Rejects when there is a file and it is not right: starting with other rows than the owner wrote could open what they closed. Without a file the defaults hold. */
export async function openAccessFile({ path, defaults, clock, log }: AccessFileOptions): Promise<AccessFile> {
  const listeners = createListeners(log)
  let rows: readonly PolicyRow[] = structuredClone(defaults)
  let current: Decide = decideBy(rows)
  let owners: ReadonlySet<string> = new Set()
  let digest: string | undefined
  let problem: MeshError | undefined
  const load = async (isStart: boolean): Promise<void> => {
    try {
      const text = await readText(path)
      if (text === undefined) {
        if (isStart) return
        throw new MeshError('BAD_CONFIG', `${path} is gone; the rows read from it hold until the relay starts again`)
      }
      const next = createHash('sha256').update(text).digest('hex')
      if (next === digest && problem === undefined) return
      const read = readAccessFile(text, defaults, clock.now(), [...owners])
      digest = next
      problem = undefined
      rows = read.rows
      owners = new Set(read.owners)
      current = decideBy(rows)
      log('access.file.applied', { rows: rows.length })
      if (!isStart) listeners.tell()
    } catch (error) {
      problem = error instanceof MeshError ? error : new MeshError('BAD_CONFIG', `${path} could not be read`, { cause: error })
      log('access.file.refused', { code: problem.code, problem: problem.message }, 'error')
      throw problem
    }
  }
  // One after the other, never shared: a read that runs already may have seen the text before the newest change.
  const serial = createSerial(MAX_WAITING_RELOADS)
  const reload = () => serial(() => load(false))
  // Watching starts first, so that a change during the first read is seen.
  const stop = watchFile(path, clock, log, reload)
  try {
    await serial(() => load(true))
  } catch (error) {
    stop()
    throw error
  }
  return {
    decide: (...question) => current(...question),
    rows: () => rows,
    put: () => Promise.reject(readOnly(path)),
    remove: () => Promise.reject(readOnly(path)),
    onChange: listeners.add,
    owners: () => owners,
    problem: () => problem,
    reload,
    close: stop,
  }
}

function readOnly(path: string): MeshError {
  return new MeshError('NOT_SUPPORTED', `the rows of this relay are kept in ${path}; edit the file, it is read again at once`)
}

/** Watches the directory, since editors replace a file by renaming another over it, and mounted volumes by switching a link named `..data`. */
function watchFile(path: string, clock: Clock, log: Log, reload: () => Promise<void>): () => void {
  let cancel: () => void = () => undefined
  let watcher: FSWatcher | undefined
  const failed = (error: unknown) => log('access.watch.failed', { code: codeOf(error), problem: String((error as Error).message) }, 'warn')
  const run = () => void reload().catch((error: unknown) => log('access.reload.failed', { code: codeOf(error) }, 'debug'))
  try {
    watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name !== null && name !== basename(path) && !name.startsWith('..')) return
      cancel()
      cancel = clock.after(RELOAD_AFTER_MS, run)
    })
    watcher.on('error', failed)
  } catch (error) {
    failed(error)
  }
  return () => {
    cancel()
    watcher?.close()
  }
}

/** The text, undefined when there is no file. The checks are made on the open handle. */
async function readText(path: string): Promise<string | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new MeshError('BAD_CONFIG', `${path} could not be opened (${code ?? 'unknown'})`, { cause: error })
  }
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw new MeshError('BAD_CONFIG', `${path} is no file`)
    if (process.platform !== 'win32' && (info.mode & 0o002) !== 0) {
      throw new MeshError('PERMISSION_DENIED', `every user of this machine can change who may use the relay; run: chmod o-w ${path}`)
    }
    if (info.size > MAX_ACCESS_FILE_BYTES) throw new MeshError('BAD_CONFIG', `${path} has ${info.size} bytes, more than ${MAX_ACCESS_FILE_BYTES}`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
