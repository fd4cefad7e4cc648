/** Configuration: precedence, defaults, and that each mistake is named with its place and a way out. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '../../../relay-server/config/config.ts'
import { OPTION_NAMES, OPTIONS, parseHostPort, parseLevels } from '../../../relay-server/config/options.ts'
import { MeshError } from '../../../src/shared/errors.ts'

const dir = mkdtempSync(join(tmpdir(), 'dmesh-config-'))
after(() => rmSync(dir, { recursive: true, force: true }))

let count = 0
function file(text: string, mode = 0o600): string {
  const path = join(dir, `config-${count++}.json`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

function read(args: readonly string[] = [], env: Record<string, string> = {}) {
  return readConfig({ args, env, root: dir, cwd: dir })
}

function refused(pattern: RegExp, args: readonly string[], env: Record<string, string> = {}) {
  assert.throws(
    () => read(args, env),
    (error) => {
      assert.ok(error instanceof MeshError, String(error))
      assert.equal(error.code, 'BAD_CONFIG')
      assert.match(error.message, pattern)
      return true
    },
  )
}

test('readConfig listens on loopback only when nothing is said', () => {
  const config = read([], { XDG_STATE_HOME: '/state' })
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8421 })
  assert.deepEqual(config.admin, { host: '127.0.0.1', port: 8423 })
  assert.equal(config.udp, 8421)
  assert.equal(config.stun, 8422)
  assert.equal(config.lobby, undefined)
  assert.equal(config.dataDir, '/state/dmesh')
  assert.deepEqual(config.trustProxy, [])
})

test('readConfig keeps data beside the clone when it runs from one', () => {
  const root = join(dir, 'clone')
  mkdirSync(join(root, '.git'), { recursive: true })
  assert.equal(readConfig({ args: [], env: {}, root, cwd: dir }).dataDir, join(root, 'data'))
})

test('readConfig prefers flag to environment to file to default', () => {
  const path = file('{ "listen": "127.0.0.1:1001", "name": "from file", "udp": 7, "lobby": true }')
  const config = read(['--listen', '127.0.0.1:1003', '--config', path], { DMESH_LISTEN: '127.0.0.1:1002', DMESH_NAME: 'from env' })
  assert.equal(config.listen.port, 1003)
  assert.equal(config.name, 'from env')
  assert.equal(config.udp, 7)
  assert.equal(config.lobby, true)
  assert.equal(config.stun, 1004)
})

test('readConfig finds the file by DMESH_CONFIG and reads comments and trailing commas', () => {
  const path = file('// mine\n{\n  /* home */ "trust-proxy": ["10.0.0.0/8", "::1"],\n}\n')
  assert.deepEqual(read([], { DMESH_CONFIG: path }).trustProxy, ['10.0.0.0/8', '::1'])
})

test('readConfig lets --no-lobby win over the environment', () => {
  assert.equal(read(['--no-lobby'], { DMESH_LOBBY: 'true' }).lobby, false)
  assert.equal(read(['--lobby']).lobby, true)
})

test('readConfig takes free ports beside port 0', () => {
  const config = read(['--listen', '127.0.0.1:0'])
  assert.deepEqual([config.udp, config.stun, config.admin], [0, 0, { host: '127.0.0.1', port: 0 }])
})

test('readConfig names the flag of a wrong value', () => {
  refused(/^--listen is "8421"; write HOST:PORT/, ['--listen', '8421'])
  refused(/^--listen .*99999/, ['--listen', '127.0.0.1:99999'])
  refused(/^--public-url .*scheme and host only/, ['--public-url', 'https://a.example/path'])
  refused(/^--udp .*0 to 65535/, ['--udp', 'x'])
  refused(/^--log has "loud"/, ['--log', 'loud'])
  refused(/^--trust-proxy .*believes everybody/, ['--trust-proxy', '0.0.0.0/0'])
  refused(/^--trust-proxy is "10.0.0.0\/40"/, ['--trust-proxy', '10.0.0.0/40'])
  refused(/--tls-key is missing/, ['--tls-cert', 'a.pem'])
  refused(/^--name must be/, ['--name', 'a\u202eb'])
  refused(/^Unknown option '--lsten'\. See: dmesh relay --help/, ['--lsten', 'x'])
})

test('readConfig names the variable of a wrong value', () => {
  refused(/^DMESH_DATA_DIR is empty/, [], { DMESH_DATA_DIR: ' ' })
  refused(/^DMESH_LOBBY is "maybe"; write true or false/, [], { DMESH_LOBBY: 'maybe' })
})

test('readConfig names file and line of a mistake', () => {
  const unknown = file('{\n  "listen": "127.0.0.1:1",\n  "lisen": "x"\n}')
  refused(new RegExp(`^${unknown} line 3: "lisen" is not an option`), ['--config', unknown])
  const wrong = file('{\n\n  "udp": "many"\n}')
  refused(new RegExp(`^${wrong} line 3: "udp" is "many"`), ['--config', wrong])
  const broken = file('{\n  "udp": 1\n  "stun": 2\n}')
  refused(new RegExp(`^${broken} line 3: expected , or }`), ['--config', broken])
  refused(/must hold one object/, ['--config', file('[]')])
  refused(/needs one text/, ['--config', file('{ "name": { "a": 1 } }')])
  refused(/cannot be read \(ENOENT\)/, ['--config', join(dir, 'absent.json')])
})

test('readConfig refuses a file that others can change', () => {
  const path = file('{}', 0o666)
  refused(new RegExp(`chmod go-w ${path}`), ['--config', path])
})

test('parseHostPort takes names, IPv4 and bracketed IPv6', () => {
  assert.deepEqual(parseHostPort('[::1]:80'), { host: '::1', port: 80 })
  assert.deepEqual(parseHostPort('home.example:0'), { host: 'home.example', port: 0 })
  for (const bad of ['::1:80', '[nope]:80', 'a b:1', ':80', 'host:', 'http://a:1']) assert.throws(() => parseHostPort(bad), bad)
})

test('parseLevels sets a default and single subsystems', () => {
  assert.deepEqual(parseLevels('relay=debug'), { '*': 'info', relay: 'debug' })
  assert.deepEqual(parseLevels('warn,relay=off'), { '*': 'warn', relay: 'off' })
})

test('OPTIONS documents every option', () => {
  for (const name of OPTION_NAMES) assert.ok(OPTIONS[name].doc.length > 20 && OPTIONS[name].default.length > 0, name)
})
