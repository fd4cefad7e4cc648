/** The rooms: the rules made from the table catch what they forbid, the table stands in ARCHITECTURE.md, plugins have the files they must have. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser'
import * as ids from '../../src/wire/ids.ts'
import { withRoomTable } from '../../tools/docs.mjs'
import { RULES } from '../../tools/room-rules.mjs'
import { listPlugins, ROOMS, renderRoomTable } from '../../tools/rooms.mjs'
import { root } from '../../tools/say.mjs'

/** rule → a file and the import in it that breaks the rule */
const BROKEN: Record<string, readonly [file: string, imports: string]> = {
  'room-shared': ['src/shared/a.ts', '../core/target.ts'],
  'room-wire': ['src/wire/a.ts', '../core/target.ts'],
  'room-core': ['src/core/a.ts', '../wire/target.ts'],
  'room-identity': ['src/identity/a.ts', '../storage/target.ts'],
  'room-access': ['src/access/a.ts', '../mesh/target.ts'],
  'room-storage': ['src/storage/a.ts', '../identity/target.ts'],
  'room-transports': ['src/transports/one/a.ts', '../../mesh/target.ts'],
  'room-protocols': ['src/protocols/one/a.ts', '../../transports/one/target.ts'],
  'room-discovery': ['src/discovery/one/a.ts', '../../protocols/one/target.ts'],
  'room-mesh': ['src/mesh/a.ts', '../protocols/one/target.ts'],
  'room-bridge': ['src/bridge/a.ts', '../mesh/target.ts'],
  'room-ui': ['src/ui/a.ts', '../mesh/target.ts'],
  'siblings-transports': ['src/transports/two/b.ts', '../one/target.ts'],
  'siblings-protocols': ['src/protocols/two/b.ts', '../one/target.ts'],
  'siblings-discovery': ['src/discovery/two/b.ts', '../one/target.ts'],
  'suffix-page': ['src/core/c.page.ts', './target.worker.ts'],
  'suffix-worker': ['src/core/c.worker.ts', './target.node.ts'],
  'suffix-node': ['src/core/c.node.ts', './target.page.ts'],
  'suffix-none': ['src/core/c.ts', './target.page.ts'],
  'everywhere-without-node': ['src/core/d.ts', 'node:fs'],
  'roots-are-roots': ['src/mesh/e.ts', '../main.ts'],
  'libp2p-behind-its-doors': ['src/core/f.ts', 'libp2p'],
  'comlink-behind-the-bridge': ['src/core/m.ts', 'comlink'],
  'one-libp2p-generation': ['src/mesh/g.ts', '@chainsafe/libp2p-noise'],
  'no-cycles': ['src/core/h.ts', './i.ts'],
  resolvable: ['src/core/j.ts', './nowhere.ts'],
  'no-dev-at-run-time': ['src/core/k.ts', 'fast-check'],
  'tests-are-not-imported': ['src/core/l.ts', '../../tests/target.ts'],
}

const TARGETS = [
  ...['core', 'wire', 'storage', 'identity', 'mesh'].map((room) => `src/${room}/target.ts`),
  ...['transports', 'protocols', 'discovery'].map((room) => `src/${room}/one/target.ts`),
  ...['page', 'worker', 'node'].map((suffix) => `src/core/target.${suffix}.ts`),
  'src/main.ts',
  'tests/target.ts',
]

async function cruiseFixture(): Promise<ICruiseResult> {
  const base = mkdtempSync(join(tmpdir(), 'dmesh-rooms-'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(base, path)), { recursive: true })
    writeFileSync(join(base, path), text)
  }
  for (const path of TARGETS) write(path, 'export const target = 1\n')
  for (const [file, imports] of Object.values(BROKEN)) write(file, `import * as it from '${imports}'\nexport const used = it\n`)
  write('src/core/i.ts', "import { used } from './h.ts'\nexport const back = used\n")
  for (const name of ['libp2p', 'comlink', '@chainsafe/libp2p-noise', 'fast-check']) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'main.js' }))
    write(`node_modules/${name}/main.js`, 'module.exports = {}\n')
  }
  write(
    'package.json',
    JSON.stringify({
      type: 'module',
      dependencies: { libp2p: '1', comlink: '1', '@chainsafe/libp2p-noise': '1' },
      devDependencies: { 'fast-check': '1' },
    }),
  )
  try {
    const forbidden = RULES as IForbiddenRuleType[]
    const options = { baseDir: base, validate: true, ruleSet: { forbidden }, doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true }
    const { output } = await cruise(['src', 'tests'], options)
    return output as ICruiseResult
  } finally {
    rmSync(base, { recursive: true })
  }
}

test('every room rule catches the import it forbids', async () => {
  assert.deepEqual(Object.keys(BROKEN).sort(), RULES.map((rule) => (rule as { name: string }).name).sort())
  const { violations } = (await cruiseFixture()).summary
  for (const [rule, [file]] of Object.entries(BROKEN)) {
    const hit = violations.some((one) => one.rule.name === rule && one.from === file)
    assert.ok(hit, `${rule} did not catch ${file}; caught: ${violations.filter((one) => one.from === file).map((one) => one.rule.name)}`)
  }
})

test('a room may import only rooms above it in the table', () => {
  ROOMS.forEach(({ name, may }, at) => {
    const above = ROOMS.slice(0, at).map((room) => room.name)
    assert.deepEqual(
      may.filter((one) => !above.includes(one)),
      [],
      name,
    )
  })
})

test('src/ holds the rooms of the table and no other', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const known = ROOMS.map(({ name }) => name)
  assert.deepEqual(
    folders.map(({ name }) => name).filter((name) => !known.includes(name)),
    [],
  )
})

test('ARCHITECTURE.md shows the room table as it is', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  assert.equal(withRoomTable(text), text, 'run: npm run docs')
  const stale = text.replace(renderRoomTable(root), '| an old table |')
  assert.notEqual(withRoomTable(stale), stale)
})

/** Files that a plugin folder must have and lacks. An empty folder is no plugin: git does not even keep it. */
function missingFiles(base: string): string[] {
  return ROOMS.filter(({ plugins }) => plugins).flatMap(({ name: room }) =>
    listPlugins(base, room).flatMap((plugin) => {
      const files = readdirSync(join(base, 'src', room, plugin))
      const needed = ['README.md', 'limits.ts'].filter((file) => !files.includes(file))
      return needed.map((file) => `src/${room}/${plugin}/${file}`)
    }),
  )
}

test('every plugin folder has its README.md and limits.ts', () => {
  assert.deepEqual(missingFiles(root), [])
  const base = mkdtempSync(join(tmpdir(), 'dmesh-plugins-'))
  mkdirSync(join(base, 'src/protocols/chat'), { recursive: true })
  writeFileSync(join(base, 'src/protocols/chat/limits.ts'), '')
  assert.deepEqual(missingFiles(base), ['src/protocols/chat/README.md'])
  rmSync(base, { recursive: true })
})

/** Ids that stand twice among all tables of a registry; numbers are compared inside one table only, since each has its own field on the wire. */
function findTwins(registry: Readonly<Record<string, unknown>>): string[] {
  const tables = Object.entries(registry).filter(([, table]) => typeof table === 'object' && table !== null)
  const all = tables.flatMap(([table, entries]) =>
    Object.values(entries as object).map((id) => (typeof id === 'number' ? `${table} ${id}` : String(id))),
  )
  return all.filter((id, at) => all.indexOf(id) !== at)
}

test('src/wire/ids.ts gives every id once', () => {
  assert.deepEqual(findTwins(ids), [])
  assert.deepEqual(findTwins({ A: { x: '/a/1.0.0' }, B: { y: '/a/1.0.0' } }), ['/a/1.0.0'])
  assert.deepEqual(findTwins({ A: { x: 1, y: 1 }, B: { z: 1 } }), ['A 1'])
})
