/** A relay that does TLS itself is called what its certificate says: that is where it sends people, and what it answers to. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { WebSocket } from 'ws'
import { secureHost } from '../../relay-server/addresses.ts'
import { certificateNames } from '../../relay-server/front/certificate-names.ts'
import { createDirectCertificate } from '../../src/transports/webrtc-direct/certificate.node.ts'
import { startTestRelay } from '../support/test-relay.ts'

interface Vector {
  readonly names: readonly string[]
  readonly certificate: string
  readonly key: string
}

const vector = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/tls-names.json'), 'utf8')) as Vector
const nameless = createDirectCertificate()
const folder = mkdtempSync(join(tmpdir(), 'dmesh-tls-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Asks 127.0.0.1 as a browser would that was sent to `host`. */
function ask(port: number, host: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/.well-known/dmesh.json', headers: { host }, agent: new Agent({ rejectUnauthorized: false }) }
    get(options, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode, body }))
    }).on('error', reject)
  })
}

test('certificateNames gives names and addresses in lower case, no wildcards, and nothing for what is none', () => {
  assert.deepEqual(certificateNames(vector.certificate), vector.names)
  assert.deepEqual(certificateNames(nameless.certificate), [])
  assert.deepEqual(certificateNames('nonsense'), [])
})

test('secureHost never gives a wildcard', () => {
  assert.equal(secureHost('0.0.0.0', vector.certificate), 'nas.lan')
  assert.equal(secureHost('192.168.1.5', vector.certificate), 'nas.lan')
  assert.equal(secureHost('192.168.1.5', nameless.certificate), '192.168.1.5')
  assert.equal(secureHost('relay.example', vector.certificate), 'relay.example')
  assert.equal(secureHost('127.0.0.1', vector.certificate), '127.0.0.1')
  for (const wildcard of ['0.0.0.0', '::']) assert.doesNotMatch(secureHost(wildcard, nameless.certificate), /^(0\.0\.0\.0|::|127\..*)$/)
})

test('on a wildcard with a certificate it names the host to open, answers to it, and to no other', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(cert, vector.certificate)
  writeFileSync(key, vector.key, { mode: 0o600 })
  const relay = await startTestRelay({ args: ['--listen', '0.0.0.0:0', '--tls-cert', cert, '--tls-key', key, '--udp', 'off', '--stun', 'off'] })
  const { port } = relay
  try {
    assert.equal(relay.url, `https://nas.lan:${port}`)
    const { status, body } = await ask(port, `NAS.lan:${port}`)
    assert.equal(status, 200)
    assert.match(body, new RegExp(`/dns[46]?/nas\\.lan/tcp/${port}/tls/ws/p2p/`))
    assert.equal((await ask(port, `box.lan:${port}`)).status, 200)
    for (const foreign of ['a.wild.example', 'ignored.example', 'evil.example'])
      assert.equal((await ask(port, `${foreign}:${port}`)).status, 421, foreign)
    const opened = await new Promise((resolve, reject) => {
      const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { headers: { host: `nas.lan:${port}` }, rejectUnauthorized: false })
      socket.on('open', () => resolve(socket.terminate())).on('error', reject)
    })
    assert.equal(opened, undefined)
    writeFileSync(cert, nameless.certificate)
    writeFileSync(key, nameless.privateKey)
    await relay.reload()
    assert.equal((await ask(port, `nas.lan:${port}`)).status, 421)
  } finally {
    await relay.end()
  }
})
