/** Runs the measurements, bench/*.bench.ts, one after another: two at once would measure each other. Arguments pick by name (`npm run bench -- b4`). Needs Node.js 24. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runProgram, say } from './say.mjs'

const FOLDER = join(root, 'bench')

async function main() {
  const filters = process.argv.slice(2)
  const all = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.bench.ts')) : []
  const picked = all.filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter))).sort()
  if (picked.length === 0) throw new Error(`no measurement matches; there are: ${all.join(', ') || 'none'}`)
  const failed = []
  for (const name of picked) {
    say(`== ${name}`)
    const { code } = await runProgram('node', ['--disable-warning=ExperimentalWarning', join(FOLDER, name)])
    if (code !== 0) failed.push(name)
  }
  say(`${picked.length - failed.length} measured, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
