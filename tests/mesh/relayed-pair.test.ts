/** Two peers that know only a relay's origin: they see each other, talk through it, and find it again after a restart. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

describe('two peers at one relay', () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: TestPeer
  let ben: TestPeer
  const origin = () => `http://127.0.0.1:${relay.port}`

  before(async () => {
    relay = await startTestRelay()
    ana = await startTestPeer({ origin: origin(), name: 'Ana' })
    ben = await startTestPeer({ origin: origin(), name: 'Ben' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.end()
  })

  it('see each other by name within 2 s, relayed, with an RTT', async () => {
    const seen = await waitUntil(() => ana.mesh.peers.find(({ id, rtt }) => id === ben.mesh.peer && rtt !== undefined), { ms: 2000, what: 'Ben' })
    assert.equal(seen.name, 'Ben')
    assert.equal(seen.path, 'relayed')
    assert.equal(seen.relay, relay.peer)
    await waitUntil(() => ben.mesh.peers.find(({ id, name }) => id === ana.mesh.peer && name === 'Ana'), { ms: 2000, what: 'Ana' })
    assert.equal(ana.mesh.state.status, 'relayed')
  })

  it('exchange messages and a stream through the relay', async () => {
    const got = new Promise<string>((resolve) => ben.mesh.addEventListener('message', ({ detail }) => resolve(new TextDecoder().decode(detail.data))))
    await ana.mesh.send(ben.mesh.peer, 'chat', 'hello')
    assert.equal(await got, 'hello')
    const stream = await ana.mesh.open(ben.mesh.peer, PROTOCOL.echo)
    assert.equal(stream.path, 'relayed')
    const sent = randomBytes(2 * 1024 * 1024)
    const writer = stream.writable.getWriter()
    void (async () => {
      for (let at = 0; at < sent.length; at += 65_536) await writer.write(sent.subarray(at, at + 65_536))
      await writer.close()
    })()
    const back: Uint8Array[] = []
    for await (const chunk of stream.readable) back.push(chunk)
    assert.ok(Buffer.concat(back).equals(sent))
    assert.ok(relay.numbers().relayedForward + relay.numbers().relayedBack > 2 * sent.length)
  })

  it('a file arrives whole, after it was accepted', async () => {
    const bytes = randomBytes(3 * 1024 * 1024)
    const offered = new Promise<string>((resolve) => ben.mesh.addEventListener('fileoffer', ({ detail }) => resolve(detail.id)))
    await ana.mesh.files.offer(ben.mesh.peer, new File([bytes], 'photo.jpg', { type: 'image/jpeg' }))
    const id = await offered
    await ben.mesh.files.accept(id)
    const done = await waitUntil(() => ben.mesh.state.transfers.find((one) => one.id === id && one.status === 'done'), {
      ms: 10_000,
      what: 'the transfer',
    })
    const sender = await waitUntil(() => ana.mesh.state.transfers.find((one) => one.status === 'done'), { ms: 2000, what: 'the sender to know' })
    assert.equal(done.sha256, sender.sha256)
    assert.ok(Buffer.from(await (await ben.mesh.files.open(id)).arrayBuffer()).equals(bytes))
  })

  it('are reachable again within 2 s after the relay restarted on the same port', async () => {
    const { port, dataDir } = relay
    await relay.close(0)
    await waitUntil(() => ana.mesh.state.relays[0]?.status !== 'reserved', { ms: 2000, what: 'Ana to notice' })
    await ana.mesh.send(ben.mesh.peer, 'chat', 'while away')
    const got = new Promise<string>((resolve) => ben.mesh.addEventListener('message', ({ detail }) => resolve(new TextDecoder().decode(detail.data))))
    relay = await startTestRelay({ dataDir, args: ['--listen', `127.0.0.1:${port}`] })
    const start = performance.now()
    assert.equal(await got, 'while away')
    assert.ok(performance.now() - start < 2500, `took ${Math.round(performance.now() - start)} ms`)
  })
})
