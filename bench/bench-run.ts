/** The life of one measurement: the machine's load before it, its programs, its deadline. Must never leave a child behind, and never run longer than MAX_MS. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compare, type Results, type Row } from './compare.ts'
import { pin } from './pin.ts'

/** ms for one measurement from start to end; what takes longer hangs. */
const MAX_MS = 6 * 60_000
/** ms for a program to say where it is; loading libp2p on two busy cores takes some. */
const START_MS = 30_000
/** ms for the programs to end by themselves, and for everything to close. */
const STOP_MS = 5_000
const CLOSE_MS = 15_000

export interface Side {
  readonly pid: number
  /** The first line it printed: where it is. */
  readonly line: string
  /** Ask for a number by name, e.g. 'received'. */
  ask(name: string): Promise<number>
}

export interface BenchRun {
  /** A program of sides/ in a process of its own; it ends with the measurement. `core` pins it where the machine can. */
  start(script: string, options?: { readonly args?: readonly string[]; readonly core?: number }): Promise<Side>
  compare(row: Row, file: string): Promise<Results>
  /** Runs at the end, last first. */
  defer(close: () => unknown): void
}

/** Runs `body`, closes what it deferred, and ends the process: 0 when it came to its end. */
export async function runBench(body: (run: BenchRun) => Promise<void>): Promise<never> {
  const load = Number(process.env.BENCH_LOAD ?? loadavg()[0])
  const children = new Set<ChildProcess>()
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL')
  })
  const stack = new AsyncDisposableStack()
  stack.defer(() => stopAll(children))
  const run: BenchRun = {
    start: (script, options) => start(children, script, options),
    compare: (row, file) => compare(row, file, load),
    defer: (close) => stack.defer(async () => void (await close())),
  }
  let code = 0
  try {
    await within(MAX_MS, 'the whole measurement', body(run))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    code = 1
  }
  await within(CLOSE_MS, 'closing', stack.disposeAsync()).catch((error: Error) => process.stderr.write(`${error.message}\n`))
  process.exit(code)
}

/** Rejects when `work` takes longer than `ms`. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for: ${what}`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function start(
  children: Set<ChildProcess>,
  script: string,
  { args = [], core }: { readonly args?: readonly string[]; readonly core?: number } = {},
): Promise<Side> {
  const execArgv = [
    '--disable-warning=ExperimentalWarning',
    ...(process.env.BENCH_PROF ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROF}`] : []),
  ]
  const options: ForkOptions = { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv }
  const child = fork(join(import.meta.dirname, 'sides', script), args, options)
  children.add(child)
  child.once('exit', () => children.delete(child))
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const first = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)))
  })
  const line = await within(START_MS, `${script} to start`, first)
  if (core !== undefined) pin(child.pid as number, core)
  return { pid: child.pid as number, line, ask: (name) => within(START_MS, `${script} to say ${name}`, ask(child, name)) }
}

/** Let them go, so that they remove what they made and write the profile that BENCH_PROF asks for. */
async function stopAll(children: ReadonlySet<ChildProcess>): Promise<void> {
  const ended = [...children].map((child) => {
    if (child.connected) child.disconnect()
    return new Promise<unknown>((resolve) => child.once('exit', resolve))
  })
  await within(STOP_MS, 'the programs to end', Promise.all(ended))
}

async function ask(child: ChildProcess, name: string): Promise<number> {
  const answer = new Promise<number>((resolve) => child.once('message', (value) => resolve(value as number)))
  child.send(name)
  return answer
}
