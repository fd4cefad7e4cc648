/** Brings a clone to where it can run: packages, the `dmesh` command, a browser for the tests, the built page. Quick when nothing is to do, safe to repeat and after a git pull. */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root, runProgram, tell } from './say.mjs'
import { runNpm, whyNpm } from './setup-node.mjs'
import { hashPageSources } from './source-hash.mjs'

const LOCK = join(root, 'package-lock.json')
const PACKAGES_STAMP = join(root, 'node_modules', '.cache', 'dmesh-packages')
const BUILD_STAMP = join(root, '.cache', 'dmesh-build')
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const MAC_BROWSERS = ['/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/**
 * Install the packages of package-lock.json when they are not the installed ones. The lock stays as it is, byte for byte.
 * @param {NodeJS.ProcessEnv} env
 */
export async function ensurePackages(env) {
  const lock = readFileSync(LOCK)
  const wanted = createHash('sha256')
    .update(lock)
    .update(wishes())
    .update(await nodeFacts(env))
    .digest('hex')
  if (readText(PACKAGES_STAMP) !== wanted) {
    tell('installing packages (npm install); the first time takes a minute or more')
    await checkNetwork(env)
    // Not `npm ci`: it refuses a lock that lacks an optional package of another platform.
    const { code, text } = await runNpm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], env)
    if (code !== 0) throw new Error(`The packages could not be installed. ${whyNpm(text) ?? 'npm says why:'}\n${text.trim()}`)
    if (!readFileSync(LOCK).equals(lock)) writeFileSync(LOCK, lock)
    writeStamp(PACKAGES_STAMP, wanted)
  }
  linkOwnCommand()
}

/**
 * Ask for one package first: without a network npm would try some hundred optional ones, one after the other, for more than eight minutes.
 * @param {NodeJS.ProcessEnv} env
 */
async function checkNetwork(env) {
  const [first = []] = Object.entries(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies)
  const { code, text } = await runNpm(['view', first.join('@'), 'version', '--loglevel=error'], env)
  const why = code === 0 ? undefined : whyNpm(text)
  if (why) throw new Error(`The packages could not be installed. ${why}\n${text.trim()}`)
}

/** What package.json asks for; its scripts may change without an installation. */
function wishes() {
  const { dependencies, devDependencies, optionalDependencies, overrides } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return JSON.stringify({ dependencies, devDependencies, optionalDependencies, overrides })
}

/** What decides which prebuilt packages fit. @param {NodeJS.ProcessEnv} env */
async function nodeFacts(env) {
  const { text } = await runProgram('node', ['-p', '[process.platform, process.arch, process.versions.modules].join()'], { env, quiet: true })
  return text.trim()
}

/** npm links the commands of dependencies, not our own: this makes `npx dmesh` work inside the clone. */
function linkOwnCommand() {
  const link = join(root, 'node_modules', '.bin', 'dmesh')
  if (process.platform === 'win32') {
    if (!existsSync(`${link}.cmd`)) writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\tools\\dmesh.mjs" %*\r\n')
    return
  }
  chmodSync(join(root, 'tools', 'dmesh.mjs'), 0o755)
  if (existsSync(link)) return
  rmSync(link, { force: true })
  symlinkSync(join('..', '..', 'tools', 'dmesh.mjs'), link)
}

/**
 * Build the page when its sources changed since the last build.
 * @param {NodeJS.ProcessEnv} env
 */
export async function ensureBuild(env) {
  const wanted = hashPageSources(root)
  if (readText(BUILD_STAMP) === wanted && existsSync(join(root, 'dist', 'index.html'))) return
  tell('building the page (dist/)')
  const { code, text } = await runProgram('node', [join(root, 'tools', 'build.mjs')], { env, quiet: true })
  if (code !== 0) throw new Error(`the build failed:\n${text.trim()}`)
  writeStamp(BUILD_STAMP, wanted)
}

/**
 * Programs that tests drive and this machine lacks; installs them where that is allowed. Resolves with the browser's path, or why there is none.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ browser?: string, missing: { program: string, why: string }[] }>}
 */
export async function ensureTestPrograms(env) {
  const wanted = [
    { program: 'chromium', package: 'chromium', found: () => findBrowser(env) },
    { program: 'ip', package: 'iproute2', found: () => findProgram('ip', env) },
    { program: 'nft', package: 'nftables', found: () => findProgram('nft', env) },
    { program: 'tcpdump', package: 'tcpdump', found: () => findProgram('tcpdump', env) },
    // On a person's machine its package would start a web server.
    ...(env.CI === 'true' ? [{ program: 'nginx', package: 'nginx-light', found: () => findProgram('nginx', env) }] : []),
  ]
  const absent = () => wanted.filter((one) => one.found() === undefined)
  let why = 'it is not installed'
  if (absent().length > 0)
    why = await installPrograms(
      absent().map((one) => one.package),
      env,
    )
  const missing = absent().map(({ program, package: name }) => ({
    program,
    why: `${program}: ${why}. Install the package ${name} yourself to run the tests that need it.`,
  }))
  const browser = findBrowser(env)
  return { ...(browser ? { browser } : {}), missing }
}

/**
 * @param {readonly string[]} names Debian packages
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} why it did not work, when it did not
 */
async function installPrograms(names, env) {
  if (process.platform !== 'linux' || !findProgram('apt-get', env)) return 'this system is not Debian, so it cannot be installed from here'
  if (process.getuid?.() !== 0) return 'only root may install it (apt-get)'
  tell(`installing ${names.join(', ')} (apt-get)`)
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, quiet: true }
  const update = await runProgram('apt-get', ['update'], quiet)
  const install = await runProgram('apt-get', ['install', '-y', '--no-install-recommends', ...names], quiet)
  if (install.code === 0) return 'apt-get installed it, yet it is not on the PATH'
  const last = (install.text.trim() || update.text.trim()).split('\n').pop()
  return `apt-get could not install it (${last})`
}

/** @param {NodeJS.ProcessEnv} env */
function findBrowser(env) {
  if (env.CHROMIUM) return existsSync(env.CHROMIUM) ? env.CHROMIUM : undefined
  const onMac = MAC_BROWSERS.find((path) => existsSync(path))
  return onMac ?? BROWSERS.map((name) => findProgram(name, env)).find(Boolean)
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
function findProgram(name, env) {
  const directories = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path))
}

/** @param {string} path */
function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/**
 * @param {string} path
 * @param {string} text
 */
function writeStamp(path, text) {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}
