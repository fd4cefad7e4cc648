/** One hash over files and folders, by content, so that a touched but unchanged file rebuilds nothing. Runs on Node.js 18. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What the built page is made from. */
const PAGE_SOURCES = ['index.html', 'vite.config.ts', 'package.json', 'package-lock.json', 'tools/build.mjs', 'public', 'src', 'workers']

/**
 * Name of a build: the same sources give the same name on every machine.
 * @param {string} root
 * @returns {string} 64 hex digits
 */
export function hashPageSources(root) {
  return hashTree(root, PAGE_SOURCES)
}

/**
 * SHA-256 (hex) over the names and bytes of all files at and below `paths`, in a fixed order. Missing paths count as missing, not as errors.
 * @param {string} base directory that `paths` are relative to
 * @param {readonly string[]} paths
 * @returns {string}
 */
export function hashTree(base, paths) {
  const hash = createHash('sha256')
  const add = (/** @type {string} */ path) => {
    const full = join(base, path)
    if (!existsSync(full)) hash.update(`- ${path}\n`)
    else if (statSync(full).isDirectory()) for (const name of readdirSync(full).sort()) add(`${path}/${name}`)
    else hash.update(`${path}\n`).update(createHash('sha256').update(readFileSync(full)).digest())
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}
