/** The relay's data directory: private to its user, and taken by one relay at a time. Must never loosen or tighten a directory that holds other people's files. */
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../src/shared/errors.ts'

export interface DataDir {
  readonly path: string
  /** Give it up. Idempotent. */
  release(): void
}

const LOCK = 'relay.lock'

/** BAD_CONFIG when it cannot be made, is open to others, or another relay uses it. */
export function takeDataDir(path: string): DataDir {
  makePrivate(path)
  const lock = join(path, LOCK)
  const mine = JSON.stringify({ pid: process.pid, started: startTime(process.pid) })
  for (let attempt = 0; attempt < 3; attempt++) {
    if (writeOnce(lock, mine)) return { path, release: () => release(lock, mine) }
    const holder = readHolder(lock)
    if (holder && isAlive(holder)) {
      throw new MeshError('BAD_CONFIG', `Another relay (process ${holder.pid}) uses ${path}. Stop it, or give this one its own --data-dir.`)
    }
    rmSync(lock, { force: true })
  }
  throw new MeshError('BAD_CONFIG', `Another relay is starting with ${path}. Give this one its own --data-dir.`)
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
