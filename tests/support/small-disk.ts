/** A real file system of a few MiB (tmpfs) for tests of a full disk. Needs root. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** For the `skip` of a test: a reason when this process may not mount, else false. */
export function noSmallDisk(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root to mount a small disk'
}

/** Mount `mib` MiB, run `work` inside, unmount. */
export async function withSmallDisk(mib: number, work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dmesh-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'tmpfs', directory])
  try {
    await work(directory)
  } finally {
    await run('umount', [directory])
    await rm(directory, { recursive: true, force: true })
  }
}
