/** `dmesh` commands as child processes of a data directory, as people run them in terminals. Whoever starts one ends it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { cleanEnv } from './relay-process.ts'

const CLI = resolve(import.meta.dirname, '../../relay-server/cli.ts')

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  out(): string
  err(): string
  /** A line to its standard input. */
  type(line: string): void
  /** Exit code, null when a signal killed it. */
  readonly exit: Promise<number | null>
  /** Sends the signal and waits; SIGKILL after 10 s. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Its standard streams are pipes, so it sees no screen. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [CLI, ...args], { env: cleanEnv(env) })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.stdin.on('error', () => undefined)
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const exit = new Promise<number | null>((done) => child.once('close', done)).finally(() => process.off('exit', kill))
  return {
    child,
    out: () => out,
    err: () => err,
    type: (line) => void child.stdin.write(`${line}\n`),
    exit,
    async end(signal = 'SIGINT') {
      child.kill(signal)
      const timer = setTimeout(kill, 10_000)
      return exit.finally(() => clearTimeout(timer))
    },
  }
}
