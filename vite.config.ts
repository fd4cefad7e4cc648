/**
 * How the page and its module workers are built (docs/adr/0001): `new SharedWorker(new URL('../workers/mesh.worker.ts', import.meta.url), { type: 'module' })` in
 * src/main.ts becomes /mesh.worker.js, a URL that stays the same over versions. The service worker is built by tools/build.mjs. Must never inline code or data: URLs, which the CSP forbids.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import { hashPageSources } from './tools/source-hash.mjs'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

/** Names a build for the handshake of page and mesh worker: the same in both, another after any change of what they are made of. */
const source = hashPageSources(import.meta.dirname).slice(0, 16)

/** A lazy chunk is called after the folder it comes from (webrtc-transport, not transport): size budgets and people tell them apart by name. */
function nameChunk({ name, facadeModuleId }: { readonly name: string; readonly facadeModuleId?: string | null }): string {
  const plugin = /\/src\/(?:transports|protocols|discovery)\/([^/]+)\//.exec(facadeModuleId ?? '')?.[1]
  return `assets/${plugin ? `${plugin}-` : ''}${name}-[hash].js`
}

function ownFile(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** The curve of signatures is WebCrypto's in most browsers: libp2p's imports of it get a stand-in that fetches it at need; ours (src/identity/noble.ts) get the real one. */
const withoutEdwards: Plugin = {
  name: 'without-edwards',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === '@noble/curves/ed25519.js' && importer?.includes('/node_modules/@libp2p/') ? ownFile('src/identity/without-edwards.ts') : undefined,
}

export default defineConfig({
  appType: 'mpa',
  // What the libraries bring along and cannot be asked to leave out: a curve that no DMesh peer uses, arithmetic of ranges of which one question is asked, a resolver that asks public servers, a logger that is never asked.
  resolve: {
    alias: {
      '@noble/curves/secp256k1.js': ownFile('src/identity/without-secp256k1.ts'),
      netmask: ownFile('src/mesh/without-netmask.ts'),
      '@multiformats/dns': ownFile('src/mesh/without-dns.ts'),
      '@libp2p/logger': ownFile('src/mesh/without-logger.ts'),
    },
  },
  define: { __DMESH_VERSION__: JSON.stringify(version), __DMESH_SOURCE__: JSON.stringify(source) },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { chunkFileNames: nameChunk } },
    reportCompressedSize: false,
  },
  worker: {
    format: 'es',
    plugins: () => [withoutEdwards],
    // One URL for ever: two URLs of the mesh worker would be two peers with one key.
    rolldownOptions: {
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: nameChunk,
        // What it starts with is one file. Cut along what lazy chunks share with it, and with them in number, it would be many, and larger.
        codeSplitting: { groups: [{ name: 'shared', tags: ['$initial'] }] },
      },
    },
  },
})
