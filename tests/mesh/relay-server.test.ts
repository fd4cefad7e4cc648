/** `dmesh relay` and its commands as real processes: start, ask, restart, refuse, drain. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseSiteConfig } from '../../src/core/site-config.ts'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'

let relay: RelayProcess
const dir = mkdtempSync(join(tmpdir(), 'dmesh-cli-'))
before(async () => {
  relay = await startRelayProcess()
})
after(async () => {
  await relay.stop()
  rmSync(dir, { recursive: true, force: true })
})

function mode(...parts: readonly string[]): string {
  return (statSync(join(relay.dataDir, ...parts)).mode & 0o777).toString(8)
}

async function site(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/.well-known/dmesh.json`)
  return parseSiteConfig(await response.json())
}

test('relay says where it is, whose key it is and who may join', () => {
  const text = relay.out()
  assert.match(relay.url, /^http:\/\/dmesh\.localhost:\d+$/)
  assert.match(text, /Key +12D3KooW\w+ \(new/)
  assert.match(text, /Lobby +on, because 127\.0\.0\.1 cannot be reached from the internet/)
  assert.ok(text.includes(relay.dataDir))
  assert.match(text, /Phones: browsers allow keys only on https/)
  assert.doesNotMatch(text, /[▀▄█]/)
})

test('relay writes JSON lines with level, time and event to standard error', () => {
  const lines = relay.err().trim().split('\n')
  for (const line of lines) {
    const { level, time, event } = JSON.parse(line) as Record<string, string>
    assert.ok(level && time && event, line)
  }
  assert.ok(lines.some((line) => line.includes('"relay.started"')))
})

test('dmesh.json carries addresses for the host that was used', async () => {
  const found = await site(relay.port)
  assert.equal(found.lobby, true)
  assert.equal(found.addresses[0], `/ip4/127.0.0.1/tcp/${relay.port}/ws/p2p/${found.peer}`)
  assert.ok(found.addresses.some((address) => /^\/ip4\/127\.0\.0\.1\/udp\/\d+\/webrtc-direct\/certhash\/u\w/.test(address)))
  assert.match(found.stun[0] ?? '', /^stun:127\.0\.0\.1:\d+$/)
  assert.ok((found.quotas.reservations ?? 0) > 0)
})

test('id --json has the keys of ipfs id and a key that gives the peer', async () => {
  const { code, out } = await relay.run('id', '--json')
  assert.equal(code, 0)
  const id = JSON.parse(out) as { ID: string; PublicKey: string; Addresses: string[]; Protocols: string[] }
  assert.deepEqual(Object.keys(id), ['ID', 'PublicKey', 'Addresses', 'AgentVersion', 'ProtocolVersion', 'Protocols'])
  assert.equal(id.ID, (await site(relay.port)).peer)
  const key = Buffer.from(id.PublicKey, 'base64')
  assert.deepEqual([...key.subarray(0, 4)], [8, 1, 18, 32])
  assert.equal(key.length, 36)
  assert.ok(id.Protocols.includes('/libp2p/circuit/relay/0.2.0/hop'))
  assert.ok(id.Addresses.every((address) => address.endsWith(`/p2p/${id.ID}`)))
})

test('rights are granted, explained, listed and taken back by command', async () => {
  const peer = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
  const made = await relay.run('grant', peer, 'link.echo', '--uses', '2', '--label', 'Ana tests')
  assert.equal(made.code, 0)
  const id = made.out.trim()
  assert.match(id, /^grant:/)
  const explained = await relay.run('explain', peer, 'link.echo')
  assert.equal(explained.out.trim(), `allowed: "Ana tests" allows it. (row ${id})`)
  assert.match((await relay.run('grants')).out, new RegExp(`${id} peer:${peer} may link.echo uses=2`))
  assert.equal((await relay.run('revoke', id)).code, 0)
  assert.notEqual((await relay.run('revoke', id)).code, 0)
  assert.ok(!(await relay.run('grants')).out.includes(id))
  assert.notEqual((await relay.run('grant', peer, 'relay.fly')).code, 0)
})

test('status, peers and healthcheck answer', async () => {
  const status = JSON.parse((await relay.run('status', '--json')).out) as Record<string, unknown>
  assert.equal(status.ready, true)
  assert.equal(status.url, relay.url)
  assert.equal((status.numbers as Record<string, number>).connections, 0)
  assert.deepEqual(JSON.parse((await relay.run('peers', '--json')).out), [])
  assert.equal((await relay.run('healthcheck')).code, 0)
})

test('log changes a level while the relay runs', async () => {
  assert.equal((await relay.run('log', 'front', 'debug')).out.trim(), '*=info,front=debug')
  const refused = await relay.run('log', 'front', 'loud')
  assert.equal(refused.code, 2)
  assert.match(refused.err, /level must be debug, info, warn, error or off/)
})

test('ping says who does not answer', async () => {
  const { code, err } = await relay.run('ping', '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', '--count', '1')
  assert.equal(code, 5)
  assert.match(err, /dmesh: 12D3KooWEy\w+ is not connected to this relay; .*dmesh peers/)
  const { ID } = JSON.parse((await relay.run('id', '--json')).out) as { ID: string }
  const itself = await relay.run('ping', ID)
  assert.deepEqual([itself.code, itself.err.includes('this peer itself')], [2, true])
  assert.equal((await relay.run('ping', '../..')).code, 2)
})

test('the data directory, socket and token are for their owner only', () => {
  assert.deepEqual(
    [mode(), mode('local'), mode('local', 'api.sock'), mode('local', 'token'), mode('identity.json')],
    ['700', '700', '600', '600', '600'],
  )
})

test('a second relay with the same data directory is refused', async () => {
  const { code, err } = await runCommand(['relay', '--listen', '127.0.0.1:0', '--data-dir', relay.dataDir])
  assert.equal(code, 2)
  assert.equal(err.trim(), `dmesh: Another relay (process ${relay.child.pid}) uses ${relay.dataDir}. Stop it, or give this one its own --data-dir.`)
  assert.equal((await relay.run('healthcheck')).code, 0)
})

test('a port in use is a sentence and exit code 4', async () => {
  const { code, err } = await runCommand(['relay', '--listen', `127.0.0.1:${relay.port}`, '--data-dir', join(dir, 'other')])
  assert.equal(code, 4)
  assert.match(err, new RegExp(`Another program listens on 127.0.0.1:${relay.port}\\. Choose another port with --listen`))
})

test('a taken UDP port and a taken admin port name their flag', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  after(() => blocker.close())
  await waitUntil(() => blocker.listening, { what: 'the blocking server' })
  const { port } = blocker.address() as { port: number }
  const admin = await runCommand(['relay', '--listen', '127.0.0.1:0', '--admin', `127.0.0.1:${port}`, '--data-dir', join(dir, 'admin')])
  assert.equal(admin.code, 4)
  assert.match(admin.err, /with --admin/)
  const stunPort = (await site(relay.port)).stun[0]?.split(':').at(-1) as string
  const stun = await runCommand(['relay', '--listen', '127.0.0.1:0', '--stun', stunPort, '--data-dir', join(dir, 'stun')])
  assert.equal(stun.code, 4)
  assert.match(stun.err, /with --stun/)
  const udpPort = (await site(relay.port)).addresses.find((address) => address.includes('/udp/'))?.split('/')[4] as string
  const udp = await runCommand(['relay', '--listen', '127.0.0.1:0', '--udp', udpPort, '--data-dir', join(dir, 'udp')])
  assert.equal(udp.code, 4)
  assert.match(udp.err, /with --udp/)
  // The native library's own lines tell nobody anything.
  assert.doesNotMatch(udp.out + udp.err, /FATAL/)
})

test('commands say when no relay runs', async () => {
  const { code, err } = await runCommand(['status', '--data-dir', join(dir, 'nothing')])
  assert.equal(code, 3)
  assert.match(err, /^dmesh: No relay or peer runs with .*Start one with: npx dmesh relay/)
  assert.equal((await runCommand(['healthcheck', '--data-dir', join(dir, 'nothing')])).code, 3)
})

test('a configuration that others can write is refused, and so is a shared data directory', async () => {
  const config = join(dir, 'config.json')
  writeFileSync(config, '{}')
  chmodSync(config, 0o666)
  const refused = await runCommand(['relay', '--config', config])
  assert.equal(refused.code, 2)
  assert.match(refused.err, /chmod go-w/)
  chmodSync(dir, 0o755)
  const shared = await runCommand(['relay', '--listen', '127.0.0.1:0', '--data-dir', dir])
  assert.equal(shared.code, 2)
  assert.match(shared.err, /chmod 700/)
})

test('the admin listener gives OpenMetrics to programs on this computer only', async () => {
  const admin = relay.adminUrl as string
  const metrics = await fetch(`${admin}/metrics`)
  assert.match(metrics.headers.get('content-type') ?? '', /^application\/openmetrics-text/)
  const text = await metrics.text()
  assert.match(text, /^dmesh_reservations 0$/m)
  assert.match(text, /^dmesh_relayed_bytes_total\{direction="forward"\} 0$/m)
  assert.match(text, /^# EOF$/m)
  assert.equal((await fetch(`${admin}/readyz`)).status, 200)
  assert.equal((await fetch(`${admin}/metrics`, { headers: { origin: 'https://evil.example' } })).status, 403)
  assert.equal((await fetch(`${admin}/metrics`, { method: 'POST' })).status, 405)
})

test('SIGTERM drains, the key stays over a restart, and a crash leaves no lock', async () => {
  const dataDir = join(dir, 'kept')
  const first = await startRelayProcess({ dataDir })
  const { peer, addresses } = await site(first.port)
  const certhash = addresses.find((address) => address.includes('certhash'))?.split('/')[7]
  assert.equal(await first.stop(), 0)
  assert.match(first.err(), /relay\.draining.*relay\.stopped/s)
  assert.equal((await runCommand(['healthcheck', '--data-dir', dataDir])).code, 3)

  const second = await startRelayProcess({ dataDir })
  assert.match(second.out(), /\(saved, the same as last time\)/)
  const again = await site(second.port)
  assert.equal(again.peer, peer)
  assert.equal(again.addresses.find((address) => address.includes('certhash'))?.split('/')[7], certhash)
  await second.stop('SIGKILL')

  const third = await startRelayProcess({ dataDir })
  assert.equal((await site(third.port)).peer, peer)
  assert.equal(await third.stop(), 0)
})

test('help documents every option with its variable, and unknown commands exit 2', async () => {
  const { code, out } = await runCommand(['--help'])
  assert.equal(code, 0)
  for (const name of ['listen', 'data-dir', 'public-url', 'tls-cert', 'trust-proxy', 'lobby', 'admin', 'udp', 'stun', 'config', 'log', 'name']) {
    assert.ok(out.includes(`--${name}`) && out.includes(`DMESH_${name.toUpperCase().replaceAll('-', '_')}`), name)
  }
  const unknown = await runCommand(['dance'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /dmesh has no command "dance"/)
})
