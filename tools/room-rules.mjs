/** Turns the room table into dependency-cruiser rules. */
import { BANNED_PACKAGES, LIBP2P_ROOMS, ROOMS, ROOTS } from './rooms.mjs'

const literal = (/** @type {string} */ path) => path.replaceAll('.', '\\.')
const inRoom = (/** @type {string} */ name) => `^src/${name}/`

/** Everything that may not cross a room's door, one rule a room, the reason as comment. */
const doors = ROOMS.map(({ name, may, why }) => ({
  name: `room-${name}`,
  comment: `${name} may import ${may.join(', ') || 'no other room'}: ${why}`,
  severity: 'error',
  from: { path: inRoom(name) },
  to: { path: '^(src|workers|relay-server|tools|tests|bench)/', pathNot: [name, ...may].map(inRoom) },
}))

/** Siblings are strangers; `$1` is the importing plugin's own folder. */
const siblings = ROOMS.filter(({ plugins }) => plugins).map(({ name }) => ({
  name: `siblings-${name}`,
  comment: `one folder of ${name} is one plugin: it must be possible to delete it without touching another`,
  severity: 'error',
  from: { path: `^src/${name}/([^/]+)/` },
  to: { path: inRoom(name), pathNot: `^src/${name}/$1/` },
}))

const suffixes = [
  { of: 'page', not: '\\.(worker|node)\\.tsx?$' },
  { of: 'worker', not: '\\.(page|node)\\.tsx?$' },
  { of: 'node', not: '\\.(page|worker)\\.tsx?$' },
].map(({ of, not }) => ({
  name: `suffix-${of}`,
  comment: `a .${of} file runs where the others do not`,
  severity: 'error',
  from: { path: `^src/.*\\.${of}\\.tsx?$` },
  to: { path: `^src/.*${not}` },
}))

/** All rules. @type {readonly object[]} */
export const RULES = [
  ...doors,
  ...siblings,
  ...suffixes,
  {
    name: 'suffix-none',
    comment: 'an unsuffixed file runs everywhere, so it can lean only on unsuffixed ones',
    severity: 'error',
    from: { path: '^src/', pathNot: ['\\.(page|worker|node)\\.tsx?$', '^src/main\\.ts$'] },
    to: { path: '^src/.*\\.(page|worker|node)\\.tsx?$', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'everywhere-without-node',
    comment: 'node:* exists on Node.js only: name the file .node.ts',
    severity: 'error',
    from: { path: '^(src|workers)/', pathNot: '\\.node\\.ts$' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'roots-are-roots',
    comment: 'nobody imports a root: it is where a program starts',
    severity: 'error',
    from: { path: '^src/', pathNot: ROOTS.map((root) => `^${literal(root)}`) },
    to: { path: ROOTS.map((root) => `^${literal(root)}`) },
  },
  {
    name: 'libp2p-behind-its-doors',
    comment: `only ${LIBP2P_ROOMS.join(' and ')} may know libp2p: its stream API changed as a whole once and will again`,
    severity: 'error',
    from: { path: '^src/', pathNot: [...LIBP2P_ROOMS.map(inRoom), ...ROOTS.map((root) => `^${literal(root)}`)] },
    to: { path: 'node_modules/(libp2p|@libp2p)/' },
  },
  {
    name: 'comlink-behind-the-bridge',
    comment: 'comlink alone loses error codes and waits for ever for a dead worker (docs/adr/0003)',
    severity: 'error',
    from: { path: '^(src|workers|relay-server)/', pathNot: inRoom('bridge') },
    to: { path: 'node_modules/comlink/' },
  },
  {
    name: 'one-libp2p-generation',
    comment: 'the @chainsafe twins of @libp2p packages stopped: both together are two sets of classes',
    severity: 'error',
    from: {},
    to: { path: `(${BANNED_PACKAGES}|node_modules/@chainsafe/libp2p-)` },
  },
  { name: 'no-cycles', comment: 'a cycle is one module in several files', severity: 'error', from: {}, to: { circular: true } },
  { name: 'resolvable', comment: 'an import that leads nowhere', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'no-dev-at-run-time',
    comment: 'what ships must not need a development package',
    severity: 'error',
    from: { path: '^(src|workers|relay-server)/' },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'tests-are-not-imported',
    comment: 'what ships must not lean on tests',
    severity: 'error',
    from: { pathNot: '^(tests|bench)/' },
    to: { path: '^(tests|bench)/' },
  },
]
