/** Runs the measurements, bench/*.bench.ts, one after another: two at once would measure each other. Arguments pick by name (`npm run bench -- b4`). Needs Node.js 24. */
import { existsSync, readdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { root, runProgram, say } from './say.mjs'

const FOLDER = join(root, 'bench')
/** Load above which a machine is not idle (bench/compare.ts keeps no figures then). */
const IDLE_LOAD = 0.3
/** ms that the load of our own last measurement gets to fade, and how often it is looked at. */
const FADE_MS = 240_000
const LOOK_MS = 5_000

function load() {
  return loadavg()[0] ?? 0
}

/** The next measurement starts on an idle machine too. One that others use is not waited for. */
async function settle() {
  const end = performance.now() + FADE_MS
  while (load() > IDLE_LOAD && performance.now() < end) await pause(LOOK_MS)
}

async function main() {
  const filters = process.argv.slice(2)
  const all = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.bench.ts')) : []
  const picked = all.filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter))).sort()
  if (picked.length === 0) throw new Error(`no measurement matches; there are: ${all.join(', ') || 'none'}`)
  const failed = []
  const idle = load() <= IDLE_LOAD
  for (const name of picked) {
    if (idle) await settle()
    say(`== ${name} (load ${load().toFixed(2)})`)
    const env = { ...process.env, BENCH_LOAD: String(load()) }
    const { code } = await runProgram('node', ['--disable-warning=ExperimentalWarning', join(FOLDER, name)], { env })
    if (code !== 0) failed.push(name)
  }
  say(`${picked.length - failed.length} measured, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
