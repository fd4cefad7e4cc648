/** The one entry behind `npm start`, `npm test` and the other scripts: sets the clone up, then hands over. Runs on Node.js 18 with nothing installed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { becomeProgram, root, tell } from './say.mjs'
import { ensureBuild, ensurePackages, ensureTestPrograms } from './setup.mjs'
import { withSetupLock } from './setup-lock.mjs'
import { ensureNode, makeEnv } from './setup-node.mjs'
import { needsBrowser } from './test-files.mjs'

/** @typedef {{ what: string, why: string }} Problem what = 'build' or a program's name */

/** @type {Record<string, (args: string[], env: NodeJS.ProcessEnv) => Promise<unknown>>} */
const COMMANDS = {
  start: async (args, env) => {
    await withSetupLock(() => ensureBuild(env))
    return becomeProgram('node', [join(root, 'relay-server', 'cli.ts'), 'relay', ...args], env)
  },
  build: (_args, env) => withSetupLock(() => ensureBuild(env)),
  docs: (_args, env) => becomeProgram('node', [join(root, 'tools', 'docs.mjs')], env),
  format: (_args, env) => becomeProgram('biome', ['check', '--write', '.'], env),
  check: async (args, env) => {
    const problems = await tryBuild(env)
    return becomeProgram('node', [join(root, 'tools', 'check.mjs'), ...args], { ...env, DMESH_PROBLEMS: JSON.stringify(problems) })
  },
  bench: async (args, env) => {
    await withSetupLock(() => ensureBuild(env))
    return becomeProgram('node', [join(root, 'tools', 'bench.mjs'), ...args], await withTestPrograms(env, []))
  },
  test: (args, env) => runTests('all', args, env),
  'test:long': (args, env) => runTests('long', args, env),
  'test:interop': (args, env) => runTests('interop', args, env),
}

/**
 * @param {string} set which files: all, long or interop
 * @param {string[]} filters paths
 * @param {NodeJS.ProcessEnv} env
 */
async function runTests(set, filters, env) {
  const whole = needsBrowser(root, set, filters)
  const problems = whole ? await tryBuild(env) : []
  const testEnv = whole ? await withTestPrograms(env, problems) : env
  return becomeProgram('node', [join(root, 'tools', 'test.mjs'), set, ...filters], { ...testEnv, DMESH_PROBLEMS: JSON.stringify(problems) })
}

/**
 * A page that does not build must not keep the other tests and checks from running: it is told and counted by them.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Problem[]>}
 */
async function tryBuild(env) {
  try {
    await withSetupLock(() => ensureBuild(env))
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    tell(why)
    return [{ what: 'build', why }]
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {Problem[]} problems missing programs are added
 */
async function withTestPrograms(env, problems) {
  const { browser, missing } = await withSetupLock(() => ensureTestPrograms(env))
  for (const { program, why } of missing) {
    tell(why)
    problems.push({ what: program, why })
  }
  return browser ? { ...env, CHROMIUM: browser } : env
}

async function main() {
  const [name = '', ...args] = process.argv.slice(2)
  const command = COMMANDS[name]
  if (!command) throw new Error(`unknown command "${name}"; known: ${Object.keys(COMMANDS).join(', ')}`)
  if (!existsSync(join(root, 'package-lock.json'))) throw new Error('package-lock.json is missing: this is not a whole clone')
  const env = await withSetupLock(async () => {
    const prepared = makeEnv(await ensureNode())
    await ensurePackages(prepared)
    return prepared
  })
  await command(args, env)
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
