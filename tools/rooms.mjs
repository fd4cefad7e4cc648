/** The house as data: which room may import which, and why. The rules of dependency-cruiser and the table of ARCHITECTURE.md come from here. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * `name` = folder of src/; with `plugins` each of its folders is a plugin and siblings are strangers. `may` = rooms it may import, all of them above it in this table.
 * @typedef {{ name: string, plugins?: boolean, sentence: string, may: readonly string[], why: string }} Room
 */

/** @type {readonly Room[]} */
export const ROOMS = [
  {
    name: 'shared',
    sentence: 'The floor: errors, bytes, async (deadline, single flight, queue), clock, log, event bus.',
    may: [],
    why: 'everybody stands on it, so anything below it would be below everybody',
  },
  {
    name: 'wire',
    sentence: 'Varints, frame readers with caps, and the registry of every id and magic number.',
    may: ['shared'],
    why: 'encoders and decoders must run anywhere and know no peers',
  },
  {
    name: 'core',
    sentence: 'The contracts (PeerStream, Transport, Protocol, stores) and pure policy: path choice, backoff, address order.',
    may: ['shared'],
    why: 'a contract that imported an implementation could not be implemented twice',
  },
  {
    name: 'identity',
    sentence: 'Make, load and use keys; exposes `sign()` and names, never key bytes.',
    may: ['shared', 'core'],
    why: 'the less code can reach a key, the less has to be trusted',
  },
  {
    name: 'access',
    sentence: 'Who may do what to what: a pure function to allow or deny, with the reason.',
    may: ['shared', 'core', 'identity'],
    why: 'a decision that did I/O could not be explained or tested row by row',
  },
  {
    name: 'storage',
    sentence: 'The stores of core on IndexedDB, OPFS, files, SQLite and memory.',
    may: ['shared', 'core'],
    why: 'stores keep bytes for others and must not know what they mean',
  },
  {
    name: 'transports',
    plugins: true,
    sentence: 'One folder per way to reach a peer',
    may: ['shared', 'wire', 'core'],
    why: 'a transport that knew another could not be switched off alone',
  },
  {
    name: 'protocols',
    plugins: true,
    sentence: 'One folder per agreement on a stream',
    may: ['shared', 'wire', 'core'],
    why: 'protocols see PeerStreams only, so they outlive the library that carries them',
  },
  {
    name: 'discovery',
    plugins: true,
    sentence: 'One folder per answer to "who is here, and where"',
    may: ['shared', 'wire', 'core'],
    why: 'each source can be switched off, none is needed',
  },
  {
    name: 'mesh',
    sentence: 'Builds libp2p from given parts, turns its streams into PeerStreams, keeps reservations and peers.',
    may: ['shared', 'wire', 'core', 'access'],
    why: 'transports and protocols are handed in by a root, so the same mesh runs in a worker and in Node.js; wire only for what every link itself speaks (ping, why)',
  },
  {
    name: 'bridge',
    sentence: 'Typed links page ⇄ worker ⇄ service worker: comlink behind one file, port brokering, death detection.',
    may: ['shared', 'wire', 'core'],
    why: 'it carries the API of core and must work whatever stands behind it',
  },
  {
    name: 'ui',
    sentence: 'The page: renders one state snapshot, sends commands.',
    may: ['shared', 'core', 'bridge'],
    why: 'a screen that reached into the mesh would tie its life to a tab',
  },
]

/** Folders and files that put the house together. They may open any door; no room imports them. */
export const ROOTS = ['src/main.ts', 'workers', 'relay-server']

/** Rooms that may import libp2p: the others would tie their code to its stream API. */
export const LIBP2P_ROOMS = ['mesh', 'transports']

/** Stopped twins of packages we use under their new name: two generations in one program are two sets of classes. */
export const BANNED_PACKAGES = '^@chainsafe/libp2p-'

/**
 * The plugins of a room: its folders that hold something.
 * @param {string} root
 * @param {string} room
 * @returns {string[]}
 */
export function listPlugins(root, room) {
  const folder = join(root, 'src', room)
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return entries
    .map(({ name }) => name)
    .filter((name) => readdirSync(join(folder, name)).length > 0)
    .sort()
}

/**
 * The room table as it stands in ARCHITECTURE.md; plugins are named as they are found.
 * @param {string} root
 * @returns {string}
 */
export function renderRoomTable(root) {
  const rows = ROOMS.map(({ name, plugins, sentence, may, why }) => {
    const what = plugins ? `${sentence}: ${listPlugins(root, name).join(', ') || 'none yet'}.` : sentence
    return `| \`${name}${plugins ? '/*' : ''}\` | ${what} | ${may.join(', ') || 'nothing'} | ${why} |`
  })
  return ['| room | one sentence | may import | why no more |', '|---|---|---|---|', ...rows].join('\n')
}
