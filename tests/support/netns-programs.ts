/** Our own programs inside namespaces: Node.js scripts, the relay, and a way to reach a port of theirs from outside. Each ends with its network at the latest. */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Space } from './netns.ts'
import { type RelayProcess, type RelayProcessOptions, startRelayProcess } from './relay-process.ts'
import { waitUntil } from './wait.ts'

/** ms for a script to load on two busy cores. */
const START_MS = 20_000

export interface Program {
  readonly child: ChildProcess
  /** What it printed so far. */
  out(): string
  stop(): void
}

/** Run tests/support/<script> inside and wait until it prints `ready`. */
export async function startProgram(space: Space, script: string, args: readonly string[]): Promise<Program> {
  const child = space.spawn(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  const ended = () => child.exitCode !== null || child.signalCode !== null
  await waitUntil(() => out.includes('ready') || ended(), { ms: START_MS, what: `${script} to be ready` })
  if (ended()) throw new Error(`${script} ended with ${child.exitCode ?? child.signalCode}: ${err}`)
  return { child, out: () => out, stop: () => void child.kill('SIGKILL') }
}

/** What tests/support/<script> prints as one line of JSON. */
export async function askProgram<T>(space: Space, script: string, args: readonly string[]): Promise<T> {
  return JSON.parse(await space.exec(process.execPath, join(import.meta.dirname, script), ...args)) as T
}

/** `dmesh relay` inside. `listen` as on the command line. */
export async function startRelayIn(space: Space, listen: string, options: Omit<RelayProcessOptions, 'listen' | 'wrap'> = {}): Promise<RelayProcess> {
  return startRelayProcess({ ...options, listen, wrap: space.wrap })
}

/** Numbers of the relay's admin listener by metric name with labels, e.g. `dmesh_relayed_bytes_total{direction="forward"}`. */
export async function readMetrics(space: Space, adminUrl: string): Promise<ReadonlyMap<string, number>> {
  const text = await space.exec(
    process.execPath,
    '-e',
    `fetch(${JSON.stringify(`${adminUrl}/metrics`)}).then(async (it) => process.stdout.write(await it.text()))`,
  )
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

export interface Door {
  /** On the host's loopback. */
  readonly port: number
  close(): Promise<void>
}

/** Make `port` of the namespace's loopback reachable from outside: a Unix socket is a file and knows no namespaces. */
export async function openDoor(space: Space, port: number): Promise<Door> {
  const directory = await mkdtemp(join(tmpdir(), 'dmesh-door-'))
  const path = join(directory, 'socket')
  const program = await startProgram(space, 'netns-door.ts', [path, String(port)])
  const sockets = new Set<Socket>()
  const server = createServer((outer) => {
    const inner = connect(path)
    for (const socket of [outer, inner]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => socket.destroy())
    }
    outer.pipe(inner).pipe(outer)
    outer.once('close', () => inner.destroy())
    inner.once('close', () => outer.destroy())
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
      program.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
