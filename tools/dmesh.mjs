#!/usr/bin/env node
/** The `dmesh` command inside a clone (`npx dmesh …`): runs relay-server/cli.ts under a Node.js that is new enough. Runs on Node.js 18 with nothing installed. */
import { join } from 'node:path'
import { becomeProgram, root } from './say.mjs'
import { ensureBuild, ensurePackages } from './setup.mjs'
import { withSetupLock } from './setup-lock.mjs'
import { ensureNode, makeEnv } from './setup-node.mjs'

async function main() {
  const args = process.argv.slice(2)
  const env = await withSetupLock(async () => {
    const prepared = makeEnv(await ensureNode())
    await ensurePackages(prepared)
    // Only the relay serves the page; the other commands must not wait for a build.
    if (args[0] === 'relay' && !args.includes('--help')) await ensureBuild(prepared)
    return prepared
  })
  // The caller's directory stays, so that paths among the arguments mean what they say.
  await becomeProgram('node', [join(root, 'relay-server', 'cli.ts'), ...args], env, process.cwd())
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
