/** What a stranger does first: `npm start` alone in a new clone with nothing installed, under the system's own Node.js, then again. The README's first command. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { after, test } from 'node:test'
import { root } from '../../tools/say.mjs'
import { listFiles } from '../../tools/source-files.mjs'
import { waitUntil } from '../support/wait.ts'

/** ms for the first start: packages and perhaps a Node.js come over the network. */
const FIRST_MS = 300_000
/** ms for the second: nothing is to do. */
const SECOND_MS = 30_000
const STOP_MS = 20_000
/** ms for the sentence that there is no network; npm's own tries take 7 s. */
const OFFLINE_MS = 60_000

const base = mkdtempSync(join(tmpdir(), 'dmesh-stranger-'))
const clone = join(base, 'clone')
after(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }))

/** The PATH as it was before our own set-up put a Node.js and tools on it. */
function strangersEnv(): NodeJS.ProcessEnv {
  const ours = (path: string) => path.includes('node_modules') || path.includes(`.cache${sep}node`)
  const path = (process.env.PATH ?? '').split(delimiter).filter((one) => !ours(one))
  const plain = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|DMESH_|INIT_CWD)/.test(name))
  return { ...Object.fromEntries(plain), PATH: path.join(delimiter) }
}

interface Started {
  readonly url: string
  readonly text: () => string
  /** Resolves when everything that npm started has ended. */
  readonly stop: () => Promise<void>
}

async function start(ms: number): Promise<Started> {
  const args = [
    'start',
    '--silent',
    '--',
    '--listen',
    '127.0.0.1:0',
    '--udp',
    'off',
    '--stun',
    'off',
    '--admin',
    'off',
    '--data-dir',
    join(base, 'data'),
  ]
  const child = spawn('npm', args, { cwd: clone, env: strangersEnv(), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let text = ''
  const keep = (chunk: Buffer) => void (text += chunk.toString('utf8'))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let code: number | null | undefined
  void ended.then((value) => {
    code = value
  })
  const stop = () => stopNpm(child, ended)
  after(stop)
  const found = await waitUntil(
    () => {
      assert.equal(code, undefined, `npm start ended by itself:\n${text}`)
      return /Open\s+(https?:\/\/\S+)/.exec(text)
    },
    { ms, what: 'the address to open' },
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${text}`)
  })
  return { url: found[1] ?? '', text: () => text, stop }
}

/** Ends it as a supervisor would: npm alone gets the signal. The group is only for what does not obey. */
async function stopNpm(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // It ended before.
    }
  }, STOP_MS)
  await ended
  clearTimeout(timer)
}

/** The start page's key line: the PeerID, and whether it is new. */
function keyOf(text: string): { peer: string; saved: boolean } {
  const [, peer = '', how = ''] = /Key\s+(\S+) \((new|saved)/.exec(text) ?? []
  return { peer, saved: how === 'saved' }
}

/** True where we may make a network namespace, which has no network. */
const alone = process.getuid?.() === 0 && spawnSync('unshare', ['-n', 'true']).status === 0

test('npm start without a network says so at once, whether Node.js or the packages are missing', {
  timeout: 2 * OFFLINE_MS,
  skip: alone ? false : 'network namespaces need root',
}, () => {
  const offline = join(base, 'offline')
  for (const path of listFiles(root)) cpSync(join(root, path), join(offline, path))
  const plain = strangersEnv()
  const paths = { system: plain.PATH, ours: [dirname(process.execPath), plain.PATH].join(delimiter) }
  for (const [which, PATH] of Object.entries(paths)) {
    const env = { ...plain, PATH, npm_config_cache: join(base, 'no-cache') }
    const { status, stderr } = spawnSync('unshare', ['-n', 'npm', 'start', '--silent'], { cwd: offline, env, encoding: 'utf8', timeout: OFFLINE_MS })
    assert.equal(status, 1, `${which}: ${stderr}`)
    assert.match(stderr, /could not be (fetched|installed)\. npm got no answer from its registry: connect this computer to the network/)
  }
})

test('npm start alone sets a new clone up and serves the page; the second start is quick and keeps the key', {
  timeout: FIRST_MS + 2 * SECOND_MS,
}, async () => {
  for (const path of listFiles(root)) cpSync(join(root, path), join(clone, path))
  const lock = readFileSync(join(clone, 'package-lock.json'))

  const first = await start(FIRST_MS)
  const { port } = new URL(first.url)
  const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { host: `dmesh.localhost:${port}` } })
  const health = await fetch(`http://127.0.0.1:${port}/healthz`)
  assert.equal(health.status, 200)
  assert.ok(page.ok, `the page answers ${page.status}`)
  assert.match(first.text(), /installing packages/)
  const made = keyOf(first.text())
  assert.equal(made.saved, false)
  await first.stop()
  assert.match(first.text(), /relay\.stopped/, 'the relay did not drain')
  assert.ok(readFileSync(join(clone, 'package-lock.json')).equals(lock), 'the lock changed')

  const second = await start(SECOND_MS)
  assert.doesNotMatch(second.text(), /installing|building|fetching/)
  assert.deepEqual(keyOf(second.text()), { peer: made.peer, saved: true })
  await second.stop()
  assert.match(second.text(), /relay\.stopped/, 'the relay did not drain')

  const help = execFileSync('npx', ['dmesh', '--help'], { cwd: clone, env: strangersEnv(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  assert.match(help, /relay/)
})
