/** The deploy files against the code: variables, commands, ports and waits that they name are those of the relay. nginx.conf has a test of its own in tests/mesh. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { readConfig } from '../../relay-server/config/config.ts'
import { envName, OPTION_NAMES } from '../../relay-server/config/options.ts'
import { CLOSE_MS, DRAIN_MS } from '../../relay-server/limits.ts'
import { root } from '../../tools/say.mjs'
import { listFiles } from '../../tools/source-files.mjs'

const folder = join(root, 'relay-server', 'deploy')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

/** DMESH_* with the value that a file gives it. */
function variables(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\b(DMESH_[A-Z_]+)\s*[=:]\s*(\S+)/g)].map(([, name = '', value = '']) => [name, value]))
}

test('every variable is one of the relay, with a value that it takes', () => {
  const known = OPTION_NAMES.map(envName)
  for (const name of readdirSync(folder)) {
    const env = variables(read(name))
    assert.deepEqual(
      Object.keys(env).filter((one) => !known.includes(one)),
      [],
      name,
    )
    assert.ok(readConfig({ args: [], env, root }).listen, name)
  }
  assert.ok(Object.keys(variables(read('compose.yaml'))).length >= 3)
})

test('the ports of the image are the default ones', () => {
  const { listen, udp, stun } = readConfig({ args: [], env: {}, root })
  assert.ok(read('Dockerfile').includes(`EXPOSE ${listen.port}/tcp ${udp}/udp ${stun}/udp`))
  for (const name of ['Caddyfile', 'nginx.conf']) assert.match(read(name), new RegExp(`127\\.0\\.0\\.1:${listen.port}\\b`), name)
})

test('everything that the relay imports is in the image', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map(([, path]) => path ?? '')
  for (const path of copied) assert.ok(['node_modules', 'dist'].includes(path) || existsSync(join(root, path)), path)
  const outside = listFiles(root)
    .filter((path) => /^(src|relay-server)\/.*\.ts$/.test(path))
    .flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(/from '(\.\.?\/[^']+)'/g)].map(([, to]) => join(path, '..', to ?? '')))
    .filter((path) => !copied.includes(path.split('/')[0] ?? ''))
  assert.deepEqual(outside, [])
})

test('whoever stops the relay waits until it has drained', () => {
  const seconds = (name: string, pattern: RegExp) => Number(pattern.exec(read(name))?.[1])
  for (const wait of [seconds('compose.yaml', /stop_grace_period: (\d+)s/), seconds('dmesh.service', /TimeoutStopSec=(\d+)/)])
    assert.ok(wait * 1000 > DRAIN_MS + CLOSE_MS, `${wait} s`)
})

const systemd = spawnSync('systemd-analyze', ['--version']).error ? 'systemd-analyze is not installed' : false
test('systemd takes the unit', { skip: systemd }, () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, 'dmesh.service')], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
