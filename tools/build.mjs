/** Builds dist/: the page with its module workers, then the service worker as one classic script at /sw.js that precaches them, then dist/build.json. Needs Node.js 24. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { build } from 'vite'
import { injectManifest } from 'workbox-build'
import { root, say } from './say.mjs'
import { hashTree } from './source-hash.mjs'

const DIST = join(root, 'dist')
const SERVICE_WORKER = join(root, 'workers', 'service.worker.ts')
const MAX_PRECACHED = 5 * 1024 * 1024 // bytes a file; a larger one would make the first visit wait for what it may never use

async function main() {
  process.chdir(root)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  await build({ root, logLevel: 'warn' })
  // The page as it is, before the parts that name its hash are added.
  const hash = createHash('sha256')
    .update(hashTree(DIST, ['.']))
    .digest('hex')
  if (existsSync(SERVICE_WORKER)) await buildServiceWorker(version, hash)
  writeFileSync(join(DIST, 'build.json'), `${JSON.stringify({ version, hash })}\n`)
  say(`built ${version} (${hash.slice(0, 12)})`)
}

/**
 * Classic and whole, because module service workers and import() are missing in some browsers.
 * @param {string} version
 * @param {string} hash
 */
async function buildServiceWorker(version, hash) {
  const scratch = join(root, '.cache', 'service-worker')
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    define: { __DMESH_VERSION__: JSON.stringify(version), __DMESH_BUILD__: JSON.stringify(hash) },
    build: {
      outDir: scratch,
      emptyOutDir: true,
      reportCompressedSize: false,
      rolldownOptions: { input: SERVICE_WORKER, output: { format: 'iife', entryFileNames: 'sw.js', codeSplitting: false } },
    },
  })
  const { warnings } = await injectManifest({
    swSrc: join(scratch, 'sw.js'),
    swDest: join(DIST, 'sw.js'),
    globDirectory: DIST,
    globPatterns: ['**/*.{html,js,css,svg,png,webmanifest,json,woff2}'],
    globIgnores: ['sw.js', 'build.json', 'screenshots/**'],
    dontCacheBustURLsMatching: /^assets\/.*-[\w-]{8}\.\w+$/,
    maximumFileSizeToCacheInBytes: MAX_PRECACHED,
  })
  if (warnings.length > 0) throw new Error(warnings.join('\n'))
}

main().catch((error) => {
  // The bundler colours its messages whatever it is told.
  process.stderr.write(`${stripVTControlCharacters(error instanceof Error ? error.message : String(error))}\n`)
  process.exit(1)
})
