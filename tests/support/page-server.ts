/** Bundles TypeScript entries with Vite in memory and serves them on http://localhost:PORT (a secure context) for tests in a real browser. Must never listen beyond loopback. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { build } from 'vite'

export interface PageServerOptions {
  /** name → path of a .ts file from the repository root; served as /NAME.js (a module). `page` is loaded by the HTML at `/`. */
  readonly entries: Readonly<Record<string, string>>
  /** Added to every answer, e.g. a CSP. */
  readonly headers?: Readonly<Record<string, string>>
  /** Body of the HTML document. Default empty. */
  readonly body?: string
  /** Minified and cacheable, as a site would be deployed. Default false: readable, and never from a cache. */
  readonly release?: boolean
  /** Asked first; return true when it answered. */
  readonly route?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface PageServer {
  /** http://localhost:PORT, no slash at the end. */
  readonly origin: string
  /** path → bytes of the bundle, for size checks. */
  readonly files: ReadonlyMap<string, Uint8Array>
  close(): Promise<void>
}

/** Bundle, listen on a free port, serve. `new Worker(new URL('./x.worker.ts', import.meta.url), { type: 'module' })` in an entry works too. */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const { release = false } = options
  const files = await bundle(options.entries, release)
  const html = `<!doctype html><meta charset="utf-8"><title>test</title><body>${options.body ?? ''}<script type="module" src="/page.js"></script></body>`
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(options.headers ?? {})) response.setHeader(name, value)
    if (options.route?.(request, response)) return
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/') return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
    const file = files.get(pathname)
    if (!file) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
    const type = pathname.endsWith('.js') ? 'text/javascript' : pathname.endsWith('.css') ? 'text/css' : 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'cache-control': release ? 'public, max-age=31536000, immutable' : 'no-store' }).end(file)
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    files,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Every entry and chunk of one ES-module build, by the path it is served at. */
async function bundle(entries: Readonly<Record<string, string>>, minify: boolean): Promise<Map<string, Uint8Array>> {
  const input = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, resolve(path)]))
  const result = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    envFile: false,
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'esnext',
      modulePreload: false,
      minify,
      // Playwright evaluates against globals that an entry sets; an entry without exports must not be emptied.
      rollupOptions: { input, preserveEntrySignatures: 'strict', output: { entryFileNames: '[name].js', chunkFileNames: 'chunk/[name]-[hash].js' } },
    },
  })
  const files = new Map<string, Uint8Array>()
  for (const part of Array.isArray(result) ? result : [result]) {
    if (!('output' in part)) continue
    for (const file of part.output) files.set(`/${file.fileName}`, Buffer.from(file.type === 'chunk' ? file.code : file.source))
  }
  return files
}
