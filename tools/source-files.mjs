/** The files of the repository as the checks see them: everything but what is installed, built or private to a machine. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const OUTSIDE = new Set(['node_modules', '.git', '.cache', 'dist', 'data', 'coverage'])

/**
 * Paths from `root`, with /, sorted.
 * @param {string} root
 * @returns {string[]}
 */
export function listFiles(root) {
  return walk(root, '')
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function walk(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (OUTSIDE.has(entry.name)) return []
    return entry.isDirectory() ? walk(root, path) : [path]
  })
}

/**
 * Source files among them.
 * @param {string} root
 * @returns {string[]}
 */
export function listSources(root) {
  return listFiles(root).filter((path) => /\.(ts|tsx|mjs)$/.test(path))
}
