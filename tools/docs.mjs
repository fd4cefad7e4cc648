/** `npm run docs`: writes the parts of the documentation that are made from code (docs/errors.md, the room table of ARCHITECTURE.md). Tests compare them. Needs Node.js 24. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ERRORS } from '../src/shared/error-fixes.ts'
import { renderRoomTable } from './rooms.mjs'
import { root, say } from './say.mjs'

const ROOM_TABLE = /(<!-- rooms: made by `npm run docs` -->\n)[\s\S]*?(\n<!-- \/rooms -->)/

/** docs/errors.md as it has to be. @returns {string} */
export function renderErrors() {
  const rows = Object.entries(ERRORS).map(([code, { name, fix }]) => `| \`${code}\` | ${name} | ${fix} |`)
  return [
    '# Errors',
    '',
    'Every failure that DMesh expects carries one of these codes, the same in the page, in a worker, on a stream and on the command line. Match on `code`;',
    '`name` is the class a web developer knows from DOMException; the last column is what to do.',
    'Made from `src/shared/errors.ts` by `npm run docs`; a test compares the two.',
    '',
    '| code | name | what to do |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/**
 * ARCHITECTURE.md with the room table of today.
 * @param {string} text
 * @returns {string}
 */
export function withRoomTable(text) {
  if (!ROOM_TABLE.test(text)) throw new Error('ARCHITECTURE.md has lost the marks around its room table')
  return text.replace(ROOM_TABLE, (_whole, head, tail) => `${head}${renderRoomTable(root)}${tail}`)
}

function main() {
  const architecture = join(root, 'ARCHITECTURE.md')
  writeFileSync(join(root, 'docs', 'errors.md'), renderErrors())
  writeFileSync(architecture, withRoomTable(readFileSync(architecture, 'utf8')))
  say('wrote docs/errors.md and the room table of ARCHITECTURE.md')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main()
