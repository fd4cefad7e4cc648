/** `dmesh relay` as a child process on free loopback ports with a data directory of its own, as a user runs it. The caller stops it; its directory goes with it unless it was given. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const CLI = resolve(import.meta.dirname, '../../relay-server/cli.ts')
/** ms: loading libp2p takes about one second of CPU, more on a busy machine. */
const START_MS = 30_000
const STOP_MS = 15_000

export interface CommandResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RelayProcess {
  /** As printed, http://dmesh.localhost:PORT. */
  readonly url: string
  readonly port: number
  /** Origin of the admin listener. */
  readonly adminUrl: string | undefined
  readonly dataDir: string
  readonly child: ChildProcess
  /** Start text, and JSON log lines so far. */
  out(): string
  err(): string
  /** `dmesh <args> --data-dir …`. */
  run(...args: readonly string[]): Promise<CommandResult>
  /** SIGTERM and wait; SIGKILL after 15 s. Resolves with the exit code (null when killed). Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface RelayProcessOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: a new temporary one, removed by stop(). */
  readonly dataDir?: string
  /** Default 127.0.0.1:0. */
  readonly listen?: string
  /** Put in front of the command line, e.g. what runs it in a network namespace. */
  readonly wrap?: readonly string[]
}

/** Resolves once it prints where it is; rejects with what it said when it ends before. */
export async function startRelayProcess(options: RelayProcessOptions = {}): Promise<RelayProcess> {
  const own = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'dmesh-relay-')) : undefined
  const dataDir = options.dataDir ?? join(own as string, 'data')
  const relay = [process.execPath, CLI, 'relay', '--listen', options.listen ?? '127.0.0.1:0', '--data-dir', dataDir, ...(options.args ?? [])]
  const command = [...(options.wrap ?? []), ...relay]
  const child = spawn(command[0] as string, command.slice(1), {
    env: cleanEnv(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const exited = new Promise<number | null>((done) => child.once('close', done))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let stopping: Promise<number | null> | undefined
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const timer = setTimeout(kill, STOP_MS)
    const code = await exited
    clearTimeout(timer)
    process.off('exit', kill)
    if (own) await rm(own, { recursive: true, force: true })
    return code
  }
  try {
    const url = await printed(
      child,
      () => out,
      /Open\s+(\S+)/,
      () => err,
    )
    const adminUrl = /Metrics\s+(\S+)\/metrics/.exec(out)?.[1]
    return {
      url,
      port: Number(new URL(url).port),
      adminUrl,
      dataDir,
      child,
      out: () => out,
      err: () => err,
      run: (...args) => runCommand([...args, '--data-dir', dataDir]),
      stop: (signal = 'SIGTERM') => (stopping ??= stop(signal)),
    }
  } catch (error) {
    await stop('SIGKILL')
    throw error
  }
}

/** Any command of the CLI, to its end. */
export async function runCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  const child = spawn(process.execPath, [CLI, ...args], { env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const code = await new Promise<number | null>((done) => child.once('close', done))
  clearTimeout(timer)
  return { code: code ?? -1, out, err }
}

/** Options of whoever runs the tests must not reach the relay under test. */
export function cleanEnv(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('DMESH_') && name !== 'NODE_OPTIONS' && name !== 'NODE_TEST_CONTEXT')
  return { ...Object.fromEntries(kept), ...more }
}

function printed(child: ChildProcess, out: () => string, pattern: RegExp, err: () => string): Promise<string> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the relay said nothing in ${START_MS} ms: ${out()} ${err()}`)), START_MS)
    const look = () => {
      // The last line of the start text, so that everything before it is there.
      const found = out().includes('Phones') ? pattern.exec(out())?.[1] : undefined
      if (!found) return
      clearTimeout(timer)
      done(found)
    }
    child.stdout?.on('data', look)
    child.once('close', (code) => {
      clearTimeout(timer)
      fail(Object.assign(new Error(`the relay ended with ${code}: ${err()}`), { exitCode: code, err: err() }))
    })
  })
}
