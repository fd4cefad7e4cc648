/** The nginx.conf we ship, in a real nginx in front of a real relay: dmesh.json, page, WebSocket, host names. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseSiteConfig } from '../../src/core/site-config.ts'
import { createDirectCertificate } from '../../src/transports/webrtc-direct/certificate.node.ts'
import { root } from '../../tools/say.mjs'
import { startRelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'

// Where CI could have installed it, its absence is a fault.
const mustRun = process.env.CI === 'true' && process.getuid?.() === 0
const skip = !mustRun && spawnSync('nginx', ['-v']).error ? 'nginx is not installed (Debian: apt-get install nginx-light)' : false
const dir = mkdtempSync(join(tmpdir(), 'dmesh-nginx-'))
const stops: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })]
/** nginx, and the relay behind it. */
let port = 0
let behind = 0

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const found = (server.address() as AddressInfo).port
  await new Promise((done) => server.close(done))
  return found
}

/** The shipped file with its two ports and its certificate replaced, inside the least that nginx needs around it. */
function writeConfig(): string {
  const made = createDirectCertificate()
  writeFileSync(join(dir, 'cert.pem'), made.certificate)
  writeFileSync(join(dir, 'key.pem'), made.privateKey, { mode: 0o600 })
  const shipped = readFileSync(join(root, 'relay-server', 'deploy', 'nginx.conf'), 'utf8')
  const site = shipped
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace(/\n.*listen \[::\]:443 ssl;/, '')
    .replace('/etc/ssl/mesh.example.pem', join(dir, 'cert.pem'))
    .replace('/etc/ssl/mesh.example.key', join(dir, 'key.pem'))
    .replace('proxy_pass http://127.0.0.1:8421', `proxy_pass http://127.0.0.1:${behind}`)
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, name)};`)
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const path = join(dir, 'nginx.conf')
  writeFileSync(path, `${user} pid ${join(dir, 'pid')}; error_log stderr; daemon off; events {} http { access_log off; ${temps.join(' ')} ${site} }`)
  return path
}

function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string; headers: IncomingMessage['headers'] }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers: { host: 'mesh.example', ...headers }, rejectUnauthorized: false, agent: false as const }
    const outgoing = request(options, (incoming) => {
      let body = ''
      incoming.on('data', (chunk) => (body += chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body, headers: incoming.headers }))
    })
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy()
      resolve({ status: incoming.statusCode ?? 0, body: '', headers: incoming.headers })
    })
    outgoing.on('error', reject).end()
  })
}

const WEBSOCKET = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }

before(async () => {
  if (skip) return
  port = await freePort()
  behind = await freePort()
  const args = ['--public-url', 'https://mesh.example', '--trust-proxy', '127.0.0.1', '--udp', 'off', '--stun', 'off', '--admin', '127.0.0.1:0']
  const relay = await startRelayProcess({ listen: `127.0.0.1:${behind}`, args })
  stops.push(() => relay.stop())
  const nginx = spawn('nginx', ['-c', writeConfig()], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  nginx.stderr.on('data', (chunk) => (said += chunk))
  const ended = new Promise<number | null>((done) => nginx.once('close', done))
  stops.push(async () => {
    nginx.kill('SIGTERM')
    await ended
  })
  await waitUntil(
    () => {
      assert.equal(nginx.exitCode, null, said)
      return ask('/healthz').then(
        ({ status }) => status === 200,
        () => false,
      )
    },
    { ms: 10_000, what: 'nginx to answer' },
  )
})
after(async () => {
  for (const stop of stops.reverse()) await stop()
})

test('dmesh.json gives the public name', { skip }, async () => {
  const { body } = await ask('/.well-known/dmesh.json')
  const { addresses, peer } = parseSiteConfig(JSON.parse(body))
  assert.deepEqual(addresses, [`/dns4/mesh.example/tcp/443/tls/ws/p2p/${peer}`])
})

test('a browser is told to stay on https, which the relay knows from the proxy alone, also while the page is not built', { skip }, async () => {
  for (const path of ['/', '/nothing-here', '/.well-known/dmesh.json', '/healthz']) {
    assert.match(String((await ask(path)).headers['strict-transport-security']), /max-age/, path)
  }
})

test('WebSockets get through', { skip }, async () => {
  assert.equal((await ask('/', WEBSOCKET)).status, 101)
})

test('another host name is refused', { skip }, async () => {
  assert.equal((await ask('/.well-known/dmesh.json', { host: 'evil.example' })).status, 421)
})
