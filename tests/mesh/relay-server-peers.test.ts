/** A relay process with peers on it: what its owner sees, what its access file decides, how it counts and leaves. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createDirectCertificate } from '../../src/transports/webrtc-direct/certificate.node.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

async function number(relay: RelayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${relay.adminUrl}/metrics`)).text()
  return Number(new RegExp(`^dmesh_${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
}

describe('a relay with two peers', () => {
  let relay: RelayProcess
  let ana: TestPeer
  let ben: TestPeer

  before(async () => {
    relay = await startRelayProcess()
    const origin = `http://127.0.0.1:${relay.port}`
    ana = await startTestPeer({ origin, name: 'Ana' })
    ben = await startTestPeer({ origin, name: 'Ben\u001b[31m' })
    await waitUntil(() => ana.mesh.peers.some(({ id }) => id === ben.mesh.peer), { what: 'Ana to see Ben' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.stop()
  })

  it('peers lists them, with nothing that steers a terminal', async () => {
    const list = JSON.parse((await relay.run('peers', '--json')).out) as { id: string; name: string; path: string }[]
    assert.deepEqual(new Set(list.map(({ id }) => id)), new Set([ana.mesh.peer, ben.mesh.peer]))
    assert.equal(list.find(({ id }) => id === ana.mesh.peer)?.name, 'Ana')
    assert.equal(list.find(({ id }) => id === ana.mesh.peer)?.path, 'direct')
    assert.ok(!(await relay.run('peers')).out.includes('\u001b'))
  })

  it('ping measures, and --until-direct ends at the first direct answer', async () => {
    const { code, out } = await relay.run('ping', ana.mesh.peer, '--until-direct')
    assert.equal(code, 0)
    assert.match(out, new RegExp(`^pong from ${ana.mesh.peer} direct over websocket in [\\d.]+ ms\n$`))
    const json = await relay.run('ping', ana.mesh.peer, '--count', '1', '--json')
    assert.ok((JSON.parse(json.out) as { rtt: number }).rtt >= 0)
  })

  it('metrics count places, presence and relayed bytes', async () => {
    assert.equal(await number(relay, 'reservations'), 2)
    assert.equal(await number(relay, 'presence'), 2)
    const before = await number(relay, 'relayed_bytes_total{direction="forward"}')
    const stream = await ana.mesh.open(ben.mesh.peer, PROTOCOL.echo)
    const writer = stream.writable.getWriter()
    await writer.write(new Uint8Array(100_000))
    await writer.close()
    let back = 0
    for await (const chunk of stream.readable) back += chunk.byteLength
    assert.equal(back, 100_000)
    const grown =
      (await number(relay, 'relayed_bytes_total{direction="forward"}')) + (await number(relay, 'relayed_bytes_total{direction="back"}')) - before
    assert.ok(grown > 200_000, String(grown))
  })

  it('an access file that denies cuts live places at once', async () => {
    const rows = [{ id: 'no-ben', who: [`peer:${ben.mesh.peer}`], may: ['relay.reserve', 'relay.hop'], effect: 'deny', label: 'Ben is out' }]
    writeFileSync(join(relay.dataDir, 'access.json'), JSON.stringify({ rows }), { mode: 0o600 })
    await waitUntil(async () => (await number(relay, 'reservations')) === 1, { what: 'the place of Ben to go' })
    writeFileSync(join(relay.dataDir, 'access.json'), '{ "rows": [ }')
    await waitUntil(async () => (await relay.run('status')).out.includes('access.json is not applied'), { what: 'status to name the mistake' })
  })

  it('SIGTERM ends it within 10 s although peers are connected', async () => {
    const start = performance.now()
    assert.equal(await relay.stop(), 0)
    assert.ok(performance.now() - start < 10_000)
    await waitUntil(() => ana.mesh.state.relays[0]?.status === 'unreachable', { what: 'Ana to notice' })
  })
})

describe('a relay that is told to stop while a circuit runs', () => {
  it('lets the circuit run on, and leaves at once when told twice', async () => {
    const relay = await startRelayProcess({ args: ['--udp', 'off'] })
    const origin = `http://127.0.0.1:${relay.port}`
    const ana = await startTestPeer({ origin, name: 'Ana' })
    const ben = await startTestPeer({ origin, name: 'Ben' })
    try {
      await waitUntil(() => ana.mesh.peers.some(({ id }) => id === ben.mesh.peer), { ms: 15_000, what: 'Ana to see Ben' })
      const stream = await ana.mesh.open(ben.mesh.peer, PROTOCOL.echo)
      stream.closed.catch(() => undefined)
      const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()]
      const echo = async () => {
        await writer.write(Uint8Array.of(1))
        return (await reader.read()).value?.byteLength
      }
      assert.equal(await echo(), 1)
      relay.child.kill('SIGTERM')
      await waitUntil(() => /"circuits":[1-9]\d*,"event":"relay.draining"/.test(relay.err()), { what: 'the relay to drain' })
      assert.equal(await echo(), 1)
      await assert.rejects(fetch(`${origin}/healthz`), 'a new connection is refused')
      assert.equal(await relay.stop('SIGTERM'), 130)
    } finally {
      await Promise.all([ana.close(), ben.close()])
      await relay.stop()
    }
  })
})

describe('a relay without a lobby', () => {
  it('gives strangers no place and says why', async () => {
    const relay = await startTestRelay({ args: ['--no-lobby', '--udp', 'off'] })
    const ana = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name: 'Ana' })
    try {
      const { problem } = await waitUntil(() => ana.mesh.state.relays.find(({ status }) => status === 'refused'), { what: 'the refusal' })
      assert.equal(problem?.code, 'ACCESS_DENIED')
      assert.equal(relay.numbers().reservations, 0)
    } finally {
      await ana.close()
      await relay.end()
    }
  })
})

describe('a relay behind a proxy', () => {
  it('lets WebSockets in by its public host and is public, so its lobby is a choice', async () => {
    const relay = await startTestRelay({ args: ['--trust-proxy', '127.0.0.1', '--public-url', 'https://203.0.113.9', '--lobby', '--udp', 'off'] })
    try {
      const headers = { host: '203.0.113.9', 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' }
      const response = await new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/`, { headers })
        socket.on('open', () => resolve('open')).on('error', reject)
      })
      assert.equal(response, 'open')
      assert.equal(relay.url, 'https://203.0.113.9')
      assert.equal(relay.lobby, true)
    } finally {
      await relay.end()
    }
  })
})

describe('a relay with its own certificate', () => {
  it('serves https, says so in dmesh.json and takes a new certificate on reload', async () => {
    const relay0 = await startTestRelay({ args: ['--udp', 'off'] })
    const { dataDir } = relay0
    await relay0.close(0)
    const [cert, key] = [join(dataDir, 'cert.pem'), join(dataDir, 'key.pem')]
    const write = () => {
      const made = createDirectCertificate()
      writeFileSync(cert, made.certificate)
      writeFileSync(key, made.privateKey, { mode: 0o600 })
      return Buffer.from(made.fingerprint).toString('hex')
    }
    const first = write()
    const relay = await startTestRelay({ dataDir, args: ['--tls-cert', cert, '--tls-key', key, '--udp', 'off'] })
    const ask = () =>
      new Promise<{ print: string; body: string; hsts: unknown }>((resolve, reject) => {
        const agent = new Agent({ rejectUnauthorized: false })
        get({ host: '127.0.0.1', port: relay.port, path: '/.well-known/dmesh.json', agent }, (response) => {
          const print = (response.socket as import('node:tls').TLSSocket).getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase()
          let body = ''
          response.on('data', (chunk) => (body += chunk))
          response.on('end', () => resolve({ print, body, hsts: response.headers['strict-transport-security'] }))
        }).on('error', reject)
      })
    try {
      const before = await ask()
      assert.equal(before.print, first)
      assert.ok(before.body.includes(`/ip4/127.0.0.1/tcp/${relay.port}/tls/ws/p2p/`), before.body)
      const second = write()
      await relay.reload()
      assert.equal((await ask()).print, second)
    } finally {
      await relay.end()
      await relay0.end()
    }
  })
})
