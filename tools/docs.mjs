/** `npm run docs`: writes the parts of the documentation that are made from code (docs/errors.md, docs/capabilities.md, the room table of ARCHITECTURE.md). Tests compare them. Needs Node.js 24. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CAPABILITIES } from '../src/access/capabilities.ts'
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

/** docs/capabilities.md as it has to be. @returns {string} */
export function renderCapabilities() {
  const rows = Object.entries(CAPABILITIES).map(
    ([name, { text, asked, to, limits }]) => `| \`${name}\` | ${text} | ${asked === 'both' ? 'peer, relay' : asked} | ${to} | ${limits.join(', ')} |`,
  )
  return [
    '# Capabilities',
    '',
    "What a row of a policy or of a relay's `access.json` may allow. A name that is not here is refused with `UNKNOWN_CAPABILITY`; `*` stands for all of them, in rows",
    'that deny only. Made from `src/access/capabilities.ts` by `npm run docs`; a test compares the two.',
    '',
    '| name | lets somebody | asked by | `to` names | limits |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'Limits: `bytes` (both directions together, each stream or circuit), `time` (ms each may live), `rate` (starts a minute, for one peer), `concurrent` (at once, for',
    'one peer), `uses` (starts in all, for everybody of the row, kept over a restart). A row ends at `until`.',
    '',
    'Order: a row that denies and matches beats every row that allows. Among rows that allow, the most specific `who` answers alone, with its limits: `self`, `peer:<id>`,',
    '`own`, `mesh:<id>`, `owner`, `member`, `guest`, `lobby`, `anyone`; then a `to` that names the target before `*`; then the first row. A grant that a deny row leaves',
    'without meaning is refused with `GRANT_CONTRADICTS`.',
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
  writeFileSync(join(root, 'docs', 'capabilities.md'), renderCapabilities())
  const architecture = join(root, 'ARCHITECTURE.md')
  writeFileSync(join(root, 'docs', 'errors.md'), renderErrors())
  writeFileSync(architecture, withRoomTable(readFileSync(architecture, 'utf8')))
  say('wrote docs/errors.md, docs/capabilities.md and the room table of ARCHITECTURE.md')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main()
