/** Biome as one check: every finding on one line, warnings count like errors. */
import { stripVTControlCharacters } from 'node:util'
import { runProgram } from './say.mjs'

/**
 * @typedef {{ severity: string, category: string, message: string, location?: { path?: string, start?: { line?: number } } }} Finding
 */

/**
 * @param {string} name
 * @returns {Promise<{ name: string, ok: boolean, text: string }[]>}
 */
export async function checkBiome(name) {
  const { code, text } = await runProgram('biome', ['ci', '--reporter=json', '--max-diagnostics=none', '.'], { quiet: true })
  const findings = parseFindings(text)
  if (!findings) return [{ name, ok: false, text }]
  const lines = findings.map(({ category, message, location }) => `${location?.path ?? ''}:${location?.start?.line ?? 0} ${category}: ${message}`)
  const fixable = findings.some(({ category }) => category === 'format' || category.startsWith('assist/'))
  if (fixable) lines.push('npm run format puts the formatting and the order of imports right')
  return [{ name, ok: code === 0 && findings.length === 0, text: lines.join('\n') }]
}

/**
 * Biome prints a line of prose around its JSON.
 * @param {string} text
 * @returns {Finding[] | undefined}
 */
function parseFindings(text) {
  const line = stripVTControlCharacters(text)
    .split('\n')
    .find((one) => one.startsWith('{'))
  return line ? JSON.parse(line).diagnostics : undefined
}
