/** Which test files belong to which run and group. Runs on Node.js 18. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'

/**
 * Groups are the folders of tests/, in the order they run: quick ones first. `parallel` = files at once, `needs` = programs or 'build' without which a file of
 * the group cannot run.
 * @typedef {{ name: string, parallel: number, needs: readonly string[] }} Group
 * @type {readonly Group[]}
 */
export const GROUPS = [
  { name: 'architecture', parallel: 2, needs: [] },
  { name: 'unit', parallel: 2, needs: [] },
  { name: 'contract', parallel: 2, needs: [] },
  { name: 'mesh', parallel: 1, needs: [] },
  { name: 'browser', parallel: 1, needs: ['chromium'] },
  { name: 'net', parallel: 1, needs: ['build', 'chromium', 'ip', 'nft', 'tcpdump'] },
  { name: 'e2e', parallel: 1, needs: ['build', 'chromium'] },
  { name: 'interop', parallel: 1, needs: [] },
  { name: 'interop-browser', parallel: 1, needs: ['chromium'] },
]

/** Fuzz cases a decoder gets in the long run; tests read it from FUZZ_RUNS. */
export const LONG_FUZZ_RUNS = 1_000_000

/**
 * Files of one run, from the repository's root, sorted. `all` = every group but those of interop, without *.long.test.ts. `long` = *.long.test.ts and
 * everything that fuzzes. `interop` = its two groups: peers that others wrote. Filters are paths of files or folders, or parts of them.
 * @param {string} root
 * @param {string} set all, long or interop
 * @param {readonly string[]} filters
 * @returns {{ group: Group, files: string[] }[]}
 */
export function selectTests(root, set, filters) {
  return GROUPS.filter(({ name }) => name.startsWith('interop') === (set === 'interop'))
    .map((group) => ({
      group,
      files: listTests(root, join('tests', group.name)).filter((file) => isInSet(root, file, set) && matches(root, file, filters)),
    }))
    .filter(({ files }) => files.length > 0)
}

/**
 * True when the run holds a file that needs the built page or a program of the system.
 * @param {string} root
 * @param {string} set
 * @param {readonly string[]} filters
 */
export function needsBrowser(root, set, filters) {
  return selectTests(root, set, filters).some(({ group }) => group.needs.length > 0)
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function listTests(root, folder) {
  const full = join(root, folder)
  if (!existsSync(full)) return []
  const entries = readdirSync(full, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return listTests(root, path)
    return entry.name.endsWith('.test.ts') ? [path.split(sep).join('/')] : []
  })
}

/**
 * @param {string} root
 * @param {string} file
 * @param {string} set
 */
function isInSet(root, file, set) {
  const long = file.endsWith('.long.test.ts')
  if (set !== 'long') return !long
  return long || /FUZZ_RUNS|support\/fuzz/.test(readFileSync(join(root, file), 'utf8'))
}

/**
 * @param {string} root
 * @param {string} file
 * @param {readonly string[]} filters
 */
function matches(root, file, filters) {
  if (filters.length === 0) return true
  return filters.some((filter) => file.includes(relative(root, resolve(root, filter)).split(sep).join('/')))
}
