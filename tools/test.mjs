/** Runs the tests group by group, one process a file, and closes with `N passed, N failed[, N skipped]`. Must never call a run without tests a success. */
import { availableParallelism } from 'node:os'
import { root, say } from './say.mjs'
import { runTestFile } from './test-file.mjs'
import { LONG_FUZZ_RUNS, selectTests } from './test-files.mjs'

/** @typedef {import('./test-file.mjs').FileResult} FileResult */

const MINUTE = 60_000
const MAX_NOTES = 20 // lines of one file
const FILE_LIMIT = { all: 10 * MINUTE, long: 180 * MINUTE, interop: 20 * MINUTE } // ms a file may take, then it counts as failed

async function main() {
  const [set = 'all', ...filters] = process.argv.slice(2)
  /** @type {{ what: string, why: string }[]} */
  const problems = JSON.parse(process.env.DMESH_PROBLEMS ?? '[]')
  const selected = selectTests(root, set, filters)
  /** @type {FileResult[]} */
  const results = []
  for (const { group, files } of selected) {
    const obstacles = problems.filter(({ what }) => group.needs.includes(what))
    results.push(...(obstacles.length > 0 ? files.map((file) => setAside(file, obstacles)) : await runGroup(group, files, set)))
  }
  process.exitCode = summarise(results) ? 0 : 1
}

/**
 * @param {import('./test-files.mjs').Group} group
 * @param {readonly string[]} files
 * @param {string} set
 */
async function runGroup(group, files, set) {
  const started = Date.now()
  const limit = FILE_LIMIT[/** @type {keyof typeof FILE_LIMIT} */ (set)] ?? FILE_LIMIT.all
  const env = set === 'long' ? { ...process.env, FUZZ_RUNS: process.env.FUZZ_RUNS ?? String(LONG_FUZZ_RUNS) } : process.env
  const waiting = [...files]
  /** @type {FileResult[]} */
  const results = []
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const result = await runTestFile(root, file, env, limit)
      results.push(result)
      show(result)
    }
  }
  await Promise.all(Array.from({ length: Math.min(group.parallel, availableParallelism()) }, work))
  say(`— ${group.name}: ${files.length} files in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return results
}

/**
 * A group whose programs are missing: skipped with the reason, except where they could have been installed, which is a fault.
 * @param {string} file
 * @param {readonly { what: string, why: string }[]} obstacles
 * @returns {FileResult}
 */
function setAside(file, obstacles) {
  const why = obstacles.map((one) => (one.what === 'build' ? 'the page does not build' : one.why)).join(' ')
  const mustRun = obstacles.some(({ what }) => what === 'build') || (process.env.CI === 'true' && process.getuid?.() === 0)
  const outcome = { name: '(whole file)', text: why }
  return { file, ms: 0, passed: 0, failed: mustRun ? [outcome] : [], skipped: mustRun ? [] : [outcome], notes: [], output: '' }
}

/** @param {FileResult} result */
function show({ file, ms, passed, failed, skipped, notes, output }) {
  const parts = [`${passed} passed`, failed.length > 0 ? `${failed.length} failed` : '', skipped.length > 0 ? `${skipped.length} skipped` : '']
  say(`${failed.length > 0 ? '✗' : '✓'} ${file}  ${parts.filter(Boolean).join(', ')}  (${(ms / 1000).toFixed(1)} s)`)
  for (const note of notes.slice(0, MAX_NOTES)) say(`  ${note}`)
  for (const { name, text } of failed) say(`\n  ✗ ${name}\n${text.replace(/^/gm, '    ')}\n`)
  if (failed.length > 0 && output.trim()) say(`  output of ${file}:\n${output.trim().replace(/^/gm, '    | ')}\n`)
}

/**
 * @param {readonly FileResult[]} results
 * @returns {boolean} all well
 */
function summarise(results) {
  const failed = results.flatMap((one) => one.failed.map(({ name, text }) => `${one.file}: ${name}: ${text.split('\n')[0]}`))
  const skipped = results.flatMap((one) => one.skipped.map(({ name, text }) => `${one.file}: ${name}: ${text}`))
  const passed = results.reduce((sum, one) => sum + one.passed, 0)
  if (skipped.length > 0) say(`\nskipped:\n${skipped.map((line) => `  ${line}`).join('\n')}`)
  if (failed.length > 0) say(`\nfailed:\n${failed.map((line) => `  ${line}`).join('\n')}`)
  const nothing = passed + failed.length + skipped.length === 0
  if (nothing) say('no test ran')
  say(`\n${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
  return failed.length === 0 && passed > 0
}

await main()
