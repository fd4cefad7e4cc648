/** Runs several ways to do the same thing in turns and reports ratios: ours beside a peer beside the physical limit, in one run. Must never report one side alone. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'

export interface Sample {
  /** In `unit`; higher or lower is better as the row says. */
  readonly value: number
  /** CPU seconds of the process under test, when one is measured. */
  readonly cpu?: number
}

export interface Row {
  /** e.g. 'B4 relay hop'. */
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Side name → one measurement. 'limit' is the physical limit that ratios refer to. */
  readonly sides: Readonly<Record<string, () => Promise<Sample>>>
  /** Rounds that count; one more runs first and is dropped. Default 5. */
  readonly rounds?: number
}

interface Result {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly cpu?: number
  /** Median of per-round ratios to 'limit'. */
  readonly ratio?: number
}

/** A/B/L in turns, then a table on standard output and bench/results/<file>.json. */
export async function compare(row: Row, file: string): Promise<Readonly<Record<string, Result>>> {
  const names = Object.keys(row.sides)
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]))
  const rounds = Number(process.env.BENCH_ROUNDS ?? row.rounds ?? 5)
  for (let round = -1; round < rounds; round++) {
    // Alternate the order, so that no side always runs on a warm or a tired machine.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const sample = await (row.sides[name] as () => Promise<Sample>)()
      if (round >= 0) samples.get(name)?.push(sample)
    }
  }
  const limit = samples.get('limit') ?? []
  const results = Object.fromEntries(names.map((name) => [name, summary(samples.get(name) ?? [], limit)]))
  print(row, results)
  save(row, results, file, rounds)
  return results
}

function summary(samples: readonly Sample[], limit: readonly Sample[]): Result {
  const values = samples.map(({ value }) => value)
  const ratios = samples.flatMap(({ value }, i) => (limit[i] ? [value / limit[i].value] : []))
  const cpus = samples.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]))
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    ...(cpus.length > 0 ? { cpu: median(cpus) } : {}),
    ...(ratios.length > 0 ? { ratio: median(ratios) } : {}),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

function print(row: Row, results: Readonly<Record<string, Result>>): void {
  const lines = Object.entries(results).map(([name, { median: value, min, max, ratio, cpu }]) =>
    [
      name.padEnd(22),
      `${value.toFixed(1)} ${row.unit}`.padStart(16),
      `(${min.toFixed(1)} – ${max.toFixed(1)})`.padStart(22),
      ratio === undefined ? '' : `${ratio.toFixed(2)} of the limit`,
      cpu === undefined ? '' : `${cpu.toFixed(2)} CPU-s/GB`,
    ].join('  '),
  )
  process.stdout.write(`\n${row.name} (${row.better} is better)\n${lines.join('\n')}\n`)
}

function save(row: Row, results: Readonly<Record<string, Result>>, file: string, rounds: number): void {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const { name, unit, better } = row
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0], node: process.version, commit: commit() }
  writeFileSync(
    join(folder, `${file}.json`),
    `${JSON.stringify({ name, unit, better, rounds, date: new Date().toISOString(), machine, results }, null, 2)}\n`,
  )
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}

/** CPU seconds a process has used, user and system, from /proc (Linux). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100 // USER_HZ
}
