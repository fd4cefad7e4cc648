/** Builds the page on a fake mesh with Vite, in memory, and serves it under the policy of the relay's front; with the real service worker where asked. Loopback only. */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { build, type Rolldown } from 'vite'

export interface UiSite {
  /** http://localhost:PORT */
  readonly origin: string
  readonly port: number
  /** Serve a newer build from now on: another hash in the service worker. */
  release(hash: string): Promise<void>
  /** Refuse every connection, as a relay that went away. */
  setDown(down: boolean): void
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' }
/** As relay-server/front/headers.ts sends it, with 'self' for the named scripts. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self' ws: wss: http: https:; manifest-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

export async function startUiSite(): Promise<UiSite> {
  const files = await buildPage()
  let down = false
  const server = createServer((request, response) => {
    if (down) return void request.socket.destroy()
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const body = files.get(pathname === '/' ? '/index.html' : pathname)
    response.setHeader('content-security-policy', POLICY)
    response.setHeader('cache-control', 'no-cache')
    if (pathname === '/favicon.ico') return void response.writeHead(204).end()
    if (!body) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
    response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'text/html; charset=utf-8' }).end(body)
  })
  const port = await listen(server)
  return {
    origin: `http://localhost:${port}`,
    port,
    release: async (hash) => void files.set('/sw.js', await buildServiceWorker(files, hash)),
    setDown(next) {
      down = next
      if (down) server.closeAllConnections()
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** A new tab at `path` with its errors collected; `errors` must stay empty. */
export async function openPage(context: BrowserContext, url: string, size = { width: 360, height: 740 }): Promise<{ page: Page; errors: string[] }> {
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.setViewportSize(size)
  await page.goto(url)
  await page.waitForSelector('#main')
  return { page, errors }
}

async function buildPage(): Promise<Map<string, Uint8Array>> {
  const root = resolve('tests/browser/pages')
  const output = await bundle({
    root,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { modulePreload: false, rolldownOptions: { input: resolve(root, 'ui.html') } },
  })
  const files = new Map<string, Uint8Array>()
  for (const file of output)
    files.set(`/${file.fileName === 'ui.html' ? 'index.html' : file.fileName}`, Buffer.from(file.type === 'chunk' ? file.code : file.source))
  return files
}

async function buildServiceWorker(files: ReadonlyMap<string, Uint8Array>, hash: string): Promise<Uint8Array> {
  const [chunk] = await bundle({
    root: resolve('.'),
    define: { __DMESH_VERSION__: '"0.1.0"', __DMESH_BUILD__: JSON.stringify(hash) },
    build: {
      rolldownOptions: { input: resolve('workers/service.worker.ts'), output: { format: 'iife', entryFileNames: 'sw.js', codeSplitting: false } },
    },
  })
  if (chunk?.type !== 'chunk') throw new Error('the service worker was not built')
  const manifest = [...files]
    .filter(([path]) => path !== '/sw.js')
    .map(([path, body]) => ({ url: path, revision: createHash('sha256').update(body).update(hash).digest('hex').slice(0, 16) }))
  return Buffer.from(chunk.code.replace('self.__WB_MANIFEST', () => JSON.stringify(manifest)))
}

async function bundle(config: Parameters<typeof build>[0]): Promise<readonly (Rolldown.OutputChunk | Rolldown.OutputAsset)[]> {
  const result = await build({
    configFile: false,
    publicDir: false,
    envFile: false,
    logLevel: 'error',
    ...config,
    build: { write: false, target: 'es2024', ...config?.build },
  })
  const [first] = Array.isArray(result) ? result : [result]
  if (!first || !('output' in first)) throw new Error('the build gave no files')
  return first.output
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
