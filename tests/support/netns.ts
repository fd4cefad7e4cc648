/** Network namespaces for tests: made, joined and always taken down again, also what a killed run left behind. Needs root. Must never touch the host's own network or a namespace it did not make. */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** ms that one command in a namespace may take. */
const COMMAND_MS = 20_000
const RESOLVERS = '/etc/netns'
const NAMESPACES = '/run/netns'
/** Ours, with the process that made it and when that started: `dm-<pid>-<start>-<label>`. */
const NAME = /^dm-(\d+)-(\d+)-[a-z0-9]+$/

export interface Space {
  /** As `ip netns` knows it. */
  readonly name: string
  /** Put in front of a command line so that it runs inside. */
  readonly wrap: readonly string[]
  /** Run to the end; rejects with stderr on another exit code than 0. Resolves with stdout. */
  exec(command: string, ...args: readonly string[]): Promise<string>
  /** `ip` on this namespace. */
  ip(text: string): Promise<void>
  /** Load an nft ruleset. */
  nft(rules: string): Promise<void>
  /** Start a program inside; it is ended with the network at the latest. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
}

export interface Network {
  /** A new namespace with loopback up. `resolver` = the only name server its programs know; default one that nobody answers at. */
  space(label: string, resolver?: string): Promise<Space>
  /** A cable between two of them, both ends up. */
  cable(left: Space, leftName: string, right: Space, rightName: string): Promise<void>
  /** End everything inside and remove the namespaces. Idempotent. */
  close(): Promise<void>
}

/** False where namespaces can be made; else why not, for `skip`. Throws where they must work: root on CI. */
export function whyNoNetwork(): string | false {
  const why = findObstacle()
  if (why && process.env.CI === 'true' && process.getuid?.() === 0) throw new Error(`tests of real networks must run here, yet ${why}`)
  return why
}

function findObstacle(): string | false {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  const name = spaceName('probe')
  try {
    execFileSync('nft', ['--version'], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
    return false
  } catch (error) {
    return `network namespaces do not work here (${(error as Error).message.split('\n')[1] ?? (error as Error).message})`
  }
}

export async function createNetwork(): Promise<Network> {
  removeLeftovers()
  const spaces: Space[] = []
  const removeAll = () => {
    for (const { name } of spaces.splice(0)) removeSpace(name)
  }
  // Neither leaves time for anything asynchronous; what SIGKILL leaves is removed by the next run.
  const onSignal = () => process.exit(143)
  process.once('exit', removeAll)
  process.once('SIGTERM', onSignal)
  process.once('SIGINT', onSignal)
  return {
    async space(label, resolver = '127.0.0.1') {
      const space = openSpace(spaceName(label))
      spaces.push(space)
      mkdirSync(join(RESOLVERS, space.name), { recursive: true })
      writeFileSync(join(RESOLVERS, space.name, 'resolv.conf'), `nameserver ${resolver}\noptions timeout:1 attempts:1\n`)
      await run('ip', ['netns', 'add', space.name])
      await space.ip('link set lo up')
      return space
    },
    async cable(left, leftName, right, rightName) {
      await left.ip(`link add ${leftName} type veth peer name ${rightName} netns ${right.name}`)
      await left.ip(`link set ${leftName} up`)
      await right.ip(`link set ${rightName} up`)
    },
    async close() {
      process.off('exit', removeAll)
      process.off('SIGTERM', onSignal)
      process.off('SIGINT', onSignal)
      removeAll()
    },
  }
}

function openSpace(name: string): Space {
  const wrap = ['ip', 'netns', 'exec', name]
  const space: Space = {
    name,
    wrap,
    async exec(command, ...args) {
      const { stdout } = await run('ip', ['netns', 'exec', name, command, ...args], { timeout: COMMAND_MS, maxBuffer: 64 * 1024 * 1024 })
      return stdout
    },
    async ip(text) {
      await run('ip', ['-n', name, ...text.split(' ')], { timeout: COMMAND_MS })
    },
    async nft(rules) {
      const loading = run('ip', ['netns', 'exec', name, 'nft', '-f', '-'], { timeout: COMMAND_MS })
      loading.child.stdin?.end(rules)
      await loading
    },
    spawn: (command, args, options = {}) => spawn('ip', ['netns', 'exec', name, command, ...args], options),
  }
  return space
}

let made = 0

function spaceName(label: string): string {
  return `dm-${process.pid}-${startOf(process.pid)}-${label}${made++}`
}

/** Clock ticks from boot to the start of a process: a number that is used again never comes with the same one. */
function startOf(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`
  if (!existsSync(path)) return undefined
  try {
    return readFileSync(path, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[19]
  } catch {
    return undefined // It ended while we looked.
  }
}

/** Namespaces whose maker lives no more. */
function removeLeftovers(): void {
  const names = [NAMESPACES, RESOLVERS].flatMap((path) => (existsSync(path) ? readdirSync(path) : []))
  for (const name of new Set(names)) {
    const [, pid, start] = NAME.exec(name) ?? []
    if (pid && startOf(Number(pid)) !== start) removeSpace(name)
  }
}

/** Everything that runs inside ends with it: a namespace lives on, unseen, as long as a process in it does. */
function removeSpace(name: string): void {
  if (existsSync(join(NAMESPACES, name))) {
    try {
      const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean).map(Number)
      for (const pid of pids) kill(pid)
      execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
    } catch (error) {
      process.stderr.write(`cannot remove the namespace ${name}: ${(error as Error).message}\n`)
    }
  }
  rmSync(join(RESOLVERS, name), { recursive: true, force: true })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
