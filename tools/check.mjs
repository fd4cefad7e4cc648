/** `npm run check`: everything a machine can say about the code without running it. One line a check, then `N passed, N failed`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { measureBudgets } from './budgets.mjs'
import { checkBiome } from './check-biome.mjs'
import { root, runProgram, say } from './say.mjs'

/**
 * @typedef {{ name: string, ok: boolean, text: string }} Verdict
 * @typedef {{ name: string, run: () => Promise<Verdict[]> }} Check
 */

/**
 * A check that is a program of its own: well when it ends with 0.
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Check}
 */
function program(name, command, args) {
  return {
    name,
    run: async () => {
      const { code, text } = await runProgram(command, args, { quiet: true })
      return [{ name, ok: code === 0, text }]
    },
  }
}

const FOLDERS = ['src', 'workers', 'relay-server', 'tools', 'tests', 'bench'].filter((folder) => existsSync(join(root, folder)))

/** @type {readonly Check[]} */
const CHECKS = [
  program('types: page', 'tsc', ['-p', 'tsconfig.page.json']),
  program('types: worker', 'tsc', ['-p', 'tsconfig.worker.json']),
  program('types: Node.js', 'tsc', ['-p', 'tsconfig.node.json']),
  { name: 'lint and format (biome)', run: () => checkBiome('lint and format (biome)') },
  program('rooms (dependency-cruiser)', 'depcruise', ['--config', '.dependency-cruiser.mjs', ...FOLDERS]),
  program('unused code and packages (knip)', 'knip', ['--no-progress']),
  program('architecture tests', 'node', [join(root, 'tools', 'test.mjs'), 'all', 'tests/architecture']),
  { name: 'sizes', run: measureSizes },
]

/** One verdict a budget, so that the total says how many hold. */
async function measureSizes() {
  const problems = /** @type {{ what: string, why: string }[]} */ (JSON.parse(process.env.DMESH_PROBLEMS ?? '[]'))
  const broken = problems.find(({ what }) => what === 'build')
  if (broken) return [{ name: 'sizes', ok: false, text: broken.why }]
  return measureBudgets(root).map(({ name, bytes, cap, missing }) => ({
    name: `size: ${name}`,
    ok: missing === undefined && bytes <= cap,
    text: missing ?? `${(bytes / 1000).toFixed(1)} kB of ${cap / 1000} kB (gzip)`,
  }))
}

async function main() {
  const filters = process.argv.slice(2)
  const waiting = CHECKS.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  /** @type {Verdict[]} */
  const verdicts = []
  const work = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const found = await check.run()
      verdicts.push(...found)
      for (const one of found) show(one)
    }
  }
  await Promise.all([work(), work()])
  const failed = verdicts.filter(({ ok }) => !ok).length
  say(`\n${verdicts.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 && verdicts.length > 0 ? 0 : 1
}

/** @param {Verdict} verdict */
function show({ name, ok, text }) {
  const short = name.startsWith('size:') ? `  ${text}` : ''
  say(`${ok ? '✓' : '✗'} ${name}${short}`)
  if (!ok && !short) say(text.trim().replace(/^/gm, '    '))
}

await main()
