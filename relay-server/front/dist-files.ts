/** The built page in memory: read once at start into a map from URL path to bytes, so that no request ever names a file on disk. */
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { MeshError } from '../../src/shared/errors.ts'
import { MAX_FILE_BYTES, MAX_FILES, MIN_COMPRESS } from './limits.ts'

export type Encoding = 'br' | 'gzip' | 'identity'

export interface DistFile {
  /** URL path, starting with a slash. */
  readonly path: string
  readonly type: string
  /** Strong, with quotes; of the bytes as they are. */
  readonly etag: string
  /** The name carries a hash of the content: may be kept for ever. */
  readonly immutable: boolean
  readonly size: number
  /** The bytes in that encoding, made on first use and kept. Not to be changed. */
  read(encoding: Encoding): Promise<Uint8Array>
  /** Whether other encodings than identity are worth it. */
  readonly compressible: boolean
}

export interface DistFiles {
  /** False when the page was never built. */
  readonly present: boolean
  /** The hash the build gave itself in build.json, which the page knows too, else one over paths and contents; hex. 'none' when absent. */
  readonly build: string
  /** Exact path, or `/` for index.html. */
  get(path: string): DistFile | undefined
  /** Paths of all scripts, sorted. */
  readonly scripts: readonly string[]
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  webmanifest: 'application/manifest+json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
}

/** BAD_CONFIG when the folder holds too much to be a built page. Links are not followed. */
export function loadDist(dir: string): DistFiles {
  const files = new Map<string, DistFile>()
  const hash = createHash('sha256')
  const present = existsSync(join(dir, 'index.html'))
  for (const path of present ? walk(dir).sort() : []) {
    const file = loadFile(dir, path)
    if (!file) continue
    files.set(file.path, file)
    hash.update(`${file.path} ${file.etag}\n`)
  }
  const index = files.get('/index.html')
  if (index) files.set('/', index)
  const scripts = [...files.keys()].filter((path) => path.endsWith('.js') || path.endsWith('.mjs'))
  return { present, build: present ? (builtHash(dir) ?? hash.digest('hex')) : 'none', get: (path) => files.get(path), scripts }
}

function builtHash(dir: string): string | undefined {
  try {
    const { hash } = JSON.parse(readFileSync(join(dir, 'build.json'), 'utf8')) as { hash?: unknown }
    return typeof hash === 'string' && /^[0-9a-f]{8,64}$/.test(hash) ? hash : undefined
  } catch {
    return undefined
  }
}

function walk(dir: string): string[] {
  const found: string[] = []
  const open = [dir]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) open.push(join(at, entry.name))
      else if (entry.isFile()) found.push(join(at, entry.name))
    }
    if (found.length > MAX_FILES) throw new MeshError('BAD_CONFIG', `${dir} holds more than ${MAX_FILES} files; it is not the built page.`)
  }
  return found
}

function loadFile(dir: string, full: string): DistFile | undefined {
  const { size } = lstatSync(full)
  if (size > MAX_FILE_BYTES) throw new MeshError('BAD_CONFIG', `${full} is larger than ${MAX_FILE_BYTES} bytes; it is not part of a built page.`)
  const path = `/${relative(dir, full).split(sep).join('/')}`
  const extension = /\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''
  if (extension === 'br' || extension === 'gz') return undefined
  const bytes = readFileSync(full)
  const type = TYPES[extension] ?? 'application/octet-stream'
  const compressible = size >= MIN_COMPRESS && /^(text|application\/(json|manifest|wasm)|image\/svg)/.test(type)
  return {
    path,
    type,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    immutable: /^\/assets\/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(path),
    size,
    compressible,
    read: createReader(full, bytes),
  }
}

/** Compressed forms come from the sibling file (`x.js.br`) when the build made one, else are made once. */
function createReader(full: string, bytes: Uint8Array): DistFile['read'] {
  const made = new Map<Encoding, Promise<Uint8Array>>([['identity', Promise.resolve(bytes)]])
  const sibling = { br: `${full}.br`, gzip: `${full}.gz` }
  const make = async (encoding: 'br' | 'gzip') => {
    if (existsSync(sibling[encoding])) return readFileSync(sibling[encoding])
    if (encoding === 'gzip') return promisify(gzip)(bytes, { level: 9 })
    // Quality 9 costs a tenth of 11 for 2 % more bytes, once per file and start.
    return promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength } })
  }
  return (encoding) => {
    let ready = made.get(encoding)
    if (!ready) made.set(encoding, (ready = make(encoding as 'br' | 'gzip')))
    return ready
  }
}

/** The best encoding that `accept` (the Accept-Encoding header) allows. */
export function chooseEncoding(accept: string | undefined, compressible: boolean): Encoding {
  if (!compressible || !accept) return 'identity'
  const allowed = new Set<string>()
  for (const part of accept.toLowerCase().split(',').slice(0, 16)) {
    const [name = '', ...rest] = part.split(';').map((one) => one.trim())
    if (!rest.some((one) => /^q=0(\.0*)?$/.test(one))) allowed.add(name)
  }
  return allowed.has('br') ? 'br' : allowed.has('gzip') ? 'gzip' : 'identity'
}
