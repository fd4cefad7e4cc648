/** Runs several ways to do the same thing in turns and reports ratios: ours beside a peer beside the physical limit, in one run. Must never report one side alone. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'

/** Load above which a machine is not idle: figures from it say little about who is faster, so they are printed and not kept. */
const IDLE_LOAD = 0.3
/** ms for one sample of one side unless the row says otherwise. */
const SAMPLE_MS = 60_000

export interface Sample {
  /** In `unit`; higher or lower is better as the row says. */
  readonly value: number
  /** CPU seconds of the process under test, when one is measured. */
  readonly cpu?: number
}

export interface Row {
  /** e.g. 'B4 relay hop'. */
  readonly name: string
  /** What is compared with what, and why that is fair. */
  readonly fair: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Side name → one measurement. 'limit' is the physical limit that ratios refer to. */
  readonly sides: Readonly<Record<string, () => Promise<Sample>>>
  /** Rounds that count; one more runs first and is dropped. Default 5. */
  readonly rounds?: number
  /** ms for one sample. Default 60 s. */
  readonly deadline?: number
}

export type Results = Readonly<Record<string, Result>>

interface Result {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly cpu?: number
  /** Median of per-round ratios to 'limit'. */
  readonly ratio?: number
  /** Samples that failed. */
  readonly failed?: number
}

/** undefined = it failed. */
type Samples = readonly (Sample | undefined)[]

/** A/B/L in turns, then a table on standard output and, from an idle machine (or with BENCH_KEEP=1), bench/results/<file>.json. `load` is the machine's before anything was started. */
export async function compare(row: Row, file: string, load = Number(process.env.BENCH_LOAD ?? loadavg()[0])): Promise<Results> {
  const names = Object.keys(row.sides)
  const samples = new Map<string, (Sample | undefined)[]>(names.map((name) => [name, []]))
  const rounds = Number(process.env.BENCH_ROUNDS ?? row.rounds ?? 5)
  for (let round = -1; round < rounds; round++) {
    // Alternate the order, so that no side always runs on a warm or a tired machine.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const sample = await inTime(name, row).catch((error: Error) => void say(`${name}, round ${round}: ${error.message}`))
      if (round >= 0) samples.get(name)?.push(sample)
    }
  }
  const limit = samples.get('limit') ?? []
  const results = Object.fromEntries(names.map((name) => [name, summary(samples.get(name) ?? [], limit)]))
  print(row, results)
  const broken = names.filter((name) => samples.get(name)?.every((sample) => !sample))
  if (broken.length > 0) throw new Error(`${row.name}: no sample of ${broken.join(' or ')}`)
  const idle = load <= IDLE_LOAD
  if (!idle) say(`load ${load.toFixed(2)} before the run, above ${IDLE_LOAD}: other work shared the machine, take the ratios with care`)
  if (idle || process.env.BENCH_KEEP === '1') save(row, results, { file, rounds, load })
  else say(`not kept: bench/results/${file}.json is written on an idle machine, or with BENCH_KEEP=1`)
  return results
}

async function inTime(name: string, { sides, name: row, deadline = SAMPLE_MS }: Row): Promise<Sample> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${row}: ${name} gave no sample in ${deadline} ms`)), deadline)
  })
  return Promise.race([(sides[name] as () => Promise<Sample>)(), late]).finally(() => clearTimeout(timer))
}

function summary(samples: Samples, limit: Samples): Result {
  const values = samples.flatMap((sample) => (sample ? [sample.value] : []))
  const ratios = samples.flatMap((sample, i) => (sample && limit[i] ? [sample.value / limit[i].value] : []))
  const cpus = samples.flatMap((sample) => (sample?.cpu === undefined ? [] : [sample.cpu]))
  const failed = samples.length - values.length
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    ...(cpus.length > 0 ? { cpu: median(cpus) } : {}),
    ...(ratios.length > 0 ? { ratio: median(ratios) } : {}),
    ...(failed > 0 ? { failed } : {}),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

function print(row: Row, results: Results): void {
  const lines = Object.entries(results).map(([name, { median: value, min, max, ratio, cpu, failed }]) =>
    [
      name.padEnd(22),
      `${value.toFixed(1)} ${row.unit}`.padStart(16),
      `(${min.toFixed(1)} – ${max.toFixed(1)})`.padStart(22),
      ratio === undefined ? '' : `${ratio.toFixed(2)} of the limit`,
      cpu === undefined ? '' : `${cpu.toFixed(2)} CPU-s/GB`,
      failed === undefined ? '' : `${failed} failed`,
    ].join('  '),
  )
  say(`\n${row.name} (${row.better} is better)\n${row.fair}\n${lines.join('\n')}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function save(row: Row, results: Results, { file, rounds, load }: { file: string; rounds: number; load: number }): void {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const { name, fair, unit, better } = row
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load, node: process.version, libp2p: libp2pVersion(), commit: commit() }
  writeFileSync(
    join(folder, `${file}.json`),
    `${JSON.stringify({ name, fair, unit, better, rounds, date: new Date().toISOString(), machine, results }, null, 2)}\n`,
  )
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}

/** Of the peer beside us. */
function libp2pVersion(): string {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../node_modules/libp2p/package.json'), 'utf8')).version
}

/** CPU seconds a process has used, user and system, from /proc (Linux). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100 // USER_HZ
}
