/** The built page of a later version: a copy of this clone's sources under another version number, built by the same tools. Must never touch the clone's own dist. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
/** What tools/build.mjs reads. */
const SOURCES = [
  'index.html',
  'vite.config.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tools',
  'public',
  'src',
  'workers',
] as const
/** ms for one build; it takes about 5 s on an idle core. */
const BUILD_MS = 180_000

export interface NextBuild {
  /** Folder to serve. */
  readonly dist: string
  /** Of build.json, 64 hex digits. */
  readonly hash: string
  remove(): Promise<void>
}

/** Build this clone's sources as `version`. The caller removes it. */
export async function buildAs(version: string): Promise<NextBuild> {
  const folder = await mkdtemp(join(tmpdir(), 'dmesh-next-'))
  for (const source of SOURCES) await cp(join(ROOT, source), join(folder, source), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...about, version }))
  await promisify(execFile)(process.execPath, [join(folder, 'tools', 'build.mjs')], { cwd: folder, timeout: BUILD_MS })
  const dist = join(folder, 'dist')
  const { hash } = JSON.parse(await readFile(join(dist, 'build.json'), 'utf8')) as { hash: string }
  return { dist, hash, remove: () => rm(folder, { recursive: true, force: true }) }
}
