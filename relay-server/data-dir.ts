/** The data directory of a relay or a terminal peer: private to its user, taken by one process at a time, and of one kind for ever. Must never loosen or tighten a directory that holds other people's files. */
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../src/shared/errors.ts'

export interface DataDir {
  readonly path: string
  /** Give it up. Idempotent. */
  release(): void
}

/** Whose key lies there: the two kinds offer different things under it, so neither may start with the other's. */
export type DataDirKind = 'relay' | 'peer'

const LOCK = 'relay.lock'
const KIND = 'kind'

/** BAD_CONFIG when it cannot be made, is open to others, is of the other kind, or another process uses it. */
export function takeDataDir(path: string, kind: DataDirKind = 'relay'): DataDir {
  const taken = tryDataDir(path, kind)
  if (!('holder' in taken)) return taken
  throw new MeshError('BAD_CONFIG', `Another ${kind} (process ${taken.holder}) uses ${path}. Stop it, or give this one its own --data-dir.`)
}

/** The same, but a directory in use gives the number of the process that holds it. */
export function tryDataDir(path: string, kind: DataDirKind): DataDir | { readonly holder: number } {
  makePrivate(path)
  keepKind(path, kind)
  const lock = join(path, LOCK)
  const mine = JSON.stringify({ pid: process.pid, started: startTime(process.pid) })
  for (let attempt = 0; attempt < 3; attempt++) {
    if (writeOnce(lock, mine)) return { path, release: () => release(lock, mine) }
    const holder = readHolder(lock)
    if (holder && isAlive(holder)) return { holder: holder.pid }
    rmSync(lock, { force: true })
  }
  throw new MeshError('BAD_CONFIG', `Another ${kind} is starting with ${path}. Give this one its own --data-dir.`)
}

/** Undefined while nothing was started there. Directories from before there were two kinds are relays'. */
export function kindOf(path: string): DataDirKind | undefined {
  try {
    return readFileSync(join(path, KIND), 'utf8').trim() === 'peer' ? 'peer' : 'relay'
  } catch {
    return existsSync(join(path, 'identity.json')) ? 'relay' : undefined
  }
}

function keepKind(path: string, kind: DataDirKind): void {
  const found = kindOf(path)
  if (found === undefined) writeFileSync(join(path, KIND), `${kind}\n`, { mode: 0o600 })
  else if (found !== kind)
    throw new MeshError('BAD_CONFIG', `${path} belongs to a ${found === 'relay' ? 'relay' : 'terminal peer'}. Give this ${kind} its own --data-dir.`)
}

function makePrivate(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const { mode, uid } = statSync(path)
    if (process.platform === 'win32' || (mode & 0o077) === 0) return
    if (readdirSync(path).length > 0 || uid !== process.getuid?.()) {
      throw new MeshError(
        'BAD_CONFIG',
        `Other users of this computer can enter ${path}, where the key lies. Run: chmod 700 ${path}, or choose another --data-dir.`,
      )
    }
    chmodSync(path, 0o700)
  } catch (error) {
    if (error instanceof MeshError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new MeshError('BAD_CONFIG', `--data-dir ${path} cannot be used (${code ?? String(error)}). Choose a directory that you may write to.`, {
      cause: error,
    })
  }
}

/** Written aside and linked, so that nobody ever reads half a lock. False when there is one. */
function writeOnce(lock: string, text: string): boolean {
  const aside = `${lock}.${process.pid}`
  writeFileSync(aside, text, { mode: 0o600 })
  try {
    linkSync(aside, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new MeshError('STORAGE_FAILED', `${lock} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  } finally {
    rmSync(aside, { force: true })
  }
}

interface Holder {
  readonly pid: number
  readonly started: string
}

function readHolder(lock: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(lock, 'utf8')) as Partial<Holder>
    return Number.isInteger(pid) && (pid as number) > 0 ? { pid: pid as number, started: String(started) } : undefined
  } catch {
    return undefined
  }
}

/** A process with that number that began when the lock says: in a container the number alone is the same at every start. */
function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startTime(pid) === started
}

/** Field 22 of /proc/PID/stat (proc(5)): clock ticks from boot to the start of the process; empty where there is no /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function release(lock: string, mine: string): void {
  try {
    if (readFileSync(lock, 'utf8') === mine) rmSync(lock, { force: true })
  } catch {
    // Gone already.
  }
}
