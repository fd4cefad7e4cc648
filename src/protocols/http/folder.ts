/** Serves a folder as a site: files with their types, versions and ranges, index.html, lists of what is inside. Must never name or open what the tree does not show, nor anything whose name begins with a dot. */
import type { ServeHandler } from '../../core/http.ts'
import type { Tree, TreeFile, TreeFolder } from '../../core/tree.ts'
import { seconds, wantedOf } from './conditions.ts'
import { MAX_LISTED, MAX_PATH_NAMES, MIN_COMPRESS } from './limits.ts'
import { listingPage } from './listing.ts'
import { isText, typeOf } from './media-types.ts'

export function createFolderHandler(tree: Tree): ServeHandler {
  return {
    async fetch(request) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'Only GET and HEAD here.', { allow: 'GET, HEAD' })
      const url = new URL(request.url)
      const path = readPath(url.pathname)
      if (!path) return say(400, 'Not a path.')
      const wantsFolder = url.pathname.endsWith('/')
      const found = path.some(isHidden) ? undefined : await tree.look(path)
      if (found?.kind === 'folder') return wantsFolder ? openFolder(tree, found, path, request) : moved(path, url.search)
      return found && !wantsFolder ? sendFile(found, path.at(-1) ?? '', request) : say(404, 'There is nothing here.')
    },
  }
}

/** Undefined for what is no path of names. A slash inside a name, however it is written, is no name. */
function readPath(pathname: string): readonly string[] | undefined {
  const names = pathname.split('/').filter((name) => name !== '')
  if (names.length > MAX_PATH_NAMES) return undefined
  try {
    const path = names.map(decodeURIComponent)
    return path.every((name) => name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) ? path : undefined
  } catch {
    return undefined // a percent sign that stands for nothing
  }
}

/** What people hide on their disk is not theirs to publish by mistake; .well-known is made to be found (RFC 8615). */
function isHidden(name: string): boolean {
  return name.startsWith('.') && name !== '.well-known'
}

/** So that relative links in it mean what they say. */
function moved(path: readonly string[], search: string): Response {
  return say(308, 'It is a folder.', { location: `./${encodeURIComponent(path.at(-1) ?? '')}/${search}` })
}

async function openFolder(tree: Tree, folder: TreeFolder, path: readonly string[], request: Request): Promise<Response> {
  const index = await tree.look([...path, 'index.html'])
  if (index?.kind === 'file') return sendFile(index, 'index.html', request)
  const entries = (await folder.list(MAX_LISTED + 1)).filter(({ name }) => !isHidden(name))
  const page = listingPage(path, entries.slice(0, MAX_LISTED), entries.length > MAX_LISTED)
  return new Response(page, {
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': LISTING_POLICY, 'cache-control': 'no-cache' },
  })
}

/** A list of files runs nothing. */
const LISTING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

async function sendFile(file: TreeFile, name: string, { headers, method }: Request): Promise<Response> {
  const { size, modified } = file
  const version = { tag: `"${size.toString(36)}-${Math.round(modified).toString(36)}"`, modified, size }
  const type = typeOf(name)
  const common = {
    etag: version.tag,
    'last-modified': new Date(seconds(modified)).toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    ...(isText(type) ? { vary: 'accept-encoding' } : {}),
  }
  const wanted = wantedOf(headers, version)
  if (wanted.kind === 'unchanged') return new Response(null, { status: 304, headers: common })
  if (wanted.kind === 'beyond') return say(416, 'The file is shorter.', { 'content-range': `bytes */${size}` })
  const sent = { ...common, 'content-type': type }
  const open = async (from: number, to: number) => (method === 'HEAD' ? null : (await file.open()).slice(from, to).stream())
  if (wanted.kind === 'part') {
    const { first, last } = wanted
    const range = { 'content-range': `bytes ${first}-${last}/${size}`, 'content-length': String(last - first + 1) }
    return new Response(await open(first, last + 1), { status: 206, headers: { ...sent, ...range } })
  }
  const body = await open(0, size)
  if (!body || !isText(type) || size < MIN_COMPRESS || !takesGzip(headers))
    return new Response(body, { headers: { ...sent, 'content-length': String(size) } })
  const packed = body.pipeThrough(new CompressionStream('gzip') as unknown as TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>)
  // Other bytes of the same version: weak (RFC 9110 §8.8.3).
  return new Response(packed, { headers: { ...sent, etag: `W/${version.tag}`, 'content-encoding': 'gzip' } })
}

function takesGzip(headers: Headers): boolean {
  return (headers.get('accept-encoding') ?? '').split(',').some((part) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(part))
}

function say(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } })
}
