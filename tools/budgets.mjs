/** Size budgets of the built page, in gzipped bytes as a server sends them. A budget counts every file a browser must load for that purpose, found by following the imports in dist/. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import ts from 'typescript'

/**
 * `entry` is a file of dist/; `lazy` says which chunks behind import() count: none, all, or all but those whose name matches.
 * @typedef {{ name: string, entry: string, cap: number, lazy: 'none' | 'all' | RegExp, why: string }} Budget
 */

/** @type {readonly Budget[]} */
export const BUDGETS = [
  { name: 'page shell', entry: 'index.html', cap: 40_000, lazy: 'none', why: 'a phone on a slow line must see the first screen at once' },
  { name: 'service worker', entry: 'sw.js', cap: 20_000, lazy: 'none', why: 'it is started again and again, each time parsed anew' },
  {
    name: 'mesh worker until relayed',
    entry: 'mesh.worker.js',
    cap: 150_000,
    lazy: /webrtc|noble|files|message|relay-list|candidates|gossip|pubsub|private-meshes|row-schema|grants|http-|kad-/,
    why: 'being reachable must not wait for what only a direct path needs, or a browser without Ed25519',
  },
  {
    name: 'mesh worker until direct',
    entry: 'mesh.worker.js',
    cap: 200_000,
    lazy: /noble|gossip|pubsub|private-meshes|row-schema|grants|http-|kad-/,
    why: 'everything a peer loads to reach another one, unless its browser lacks Ed25519; pub/sub, private meshes, grants, HTTP and the DHT come at their first use',
  },
]

/**
 * @param {string} root
 * @param {readonly Budget[]} [budgets]
 * @returns {{ name: string, bytes: number, cap: number, files: string[], missing?: string }[]}
 */
export function measureBudgets(root, budgets = BUDGETS) {
  const dist = join(root, 'dist')
  return budgets.map(({ name, entry, cap, lazy }) => {
    if (!existsSync(join(dist, entry))) return { name, bytes: 0, cap, files: [], missing: `dist/${entry} was not built` }
    const files = [...reach(dist, entry, lazy)]
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).byteLength, 0)
    return { name, bytes, cap, files }
  })
}

/**
 * Files a browser loads for `entry`.
 * @param {string} dist
 * @param {string} entry
 * @param {Budget['lazy']} lazy
 * @param {Set<string>} [seen]
 */
function reach(dist, entry, lazy, seen = new Set()) {
  if (seen.has(entry) || !existsSync(join(dist, entry))) return seen
  seen.add(entry)
  const text = readFileSync(join(dist, entry), 'utf8')
  const { needed, later } = entry.endsWith('.html') ? htmlLinks(text) : entry.endsWith('.js') ? scriptImports(text) : { needed: [], later: [] }
  const wanted = lazy === 'none' ? [] : lazy === 'all' ? later : later.filter((name) => !lazy.test(name))
  for (const link of [...needed, ...wanted]) reach(dist, resolveLink(dist, entry, link), lazy, seen)
  return seen
}

/**
 * @param {string} dist
 * @param {string} from
 * @param {string} link
 */
function resolveLink(dist, from, link) {
  if (link.startsWith('/')) return link.slice(1)
  return relative(dist, join(dist, dirname(from), link))
    .split(sep)
    .join(posix.sep)
}

/** Scripts, preloads and styles; icons and the manifest load when the browser pleases. @param {string} text */
function htmlLinks(text) {
  const scripts = [...text.matchAll(/<script[^>]*\ssrc="([^"]+)"/g)].map((match) => match[1] ?? '')
  const links = [...text.matchAll(/<link[^>]*>/g)].map(([tag]) => tag).filter((tag) => /rel="(stylesheet|modulepreload)"/.test(tag))
  return { needed: [...scripts, ...links.map((tag) => /href="([^"]+)"/.exec(tag)?.[1] ?? '')], later: [] }
}

/**
 * Imports of a built script: those it cannot start without, and those behind import().
 * @param {string} text
 * @returns {{ needed: string[], later: string[] }}
 */
export function scriptImports(text) {
  const source = ts.createSourceFile('built.js', text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS)
  /** @type {string[]} */
  const needed = []
  /** @type {string[]} */
  const later = []
  const visit = (/** @type {ts.Node} */ node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier && ts.isStringLiteralLike(node.moduleSpecifier))
      needed.push(node.moduleSpecifier.text)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments
      if (argument && ts.isStringLiteralLike(argument)) later.push(argument.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { needed, later }
}
