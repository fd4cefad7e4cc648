/** The mesh's own DHT among real relays, each knowing only its neighbour: whoever is at the last is found from the first and reached, and a relay that lies can only deny. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLocalClient } from '../../relay-server/local-api/client.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { runCommand } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

type TestRelay = Awaited<ReturnType<typeof startTestRelay>>

const start = (...more: TestRelay[]) => startTestRelay({ args: ['--udp', 'off', '--stun', 'off', ...more.flatMap((relay) => ['--kad', relay.url])] })

async function at(relay: TestRelay, name: string): Promise<TestPeer> {
  const peer = await startTestPeer({ origin: relay.url, name })
  await waitUntil(() => peer.mesh.state.relays[0]?.status === 'reserved', { what: `${name}'s place` })
  return peer
}

const find = ({ mesh }: TestPeer, peer: string) => mesh.find(peer, { signal: AbortSignal.timeout(10_000) })

describe('relays that name their neighbour with --kad', () => {
  const stack = new AsyncDisposableStack()
  let [three, two, one]: TestRelay[] = []
  let [ana, ben]: TestPeer[] = []
  before(async () => {
    three = await start()
    stack.defer(three.end)
    two = await start(three)
    stack.defer(two.end)
    one = await start(two)
    stack.defer(one.end)
    const knows = (relay: TestRelay, count: number) => waitUntil(() => relay.numbers().kad.relays >= count, { ms: 10_000, what: `${count} relays` })
    await knows(two, 2)
    await knows(one, 1)
    ana = await at(one, 'Ana')
    ben = await at(three, 'Ben')
    stack.defer(ana.close)
    stack.defer(ben.close)
  })
  after(() => stack.disposeAsync())
  const all = () => ({ ana, ben, one, two, three }) as { ana: TestPeer; ben: TestPeer; one: TestRelay; two: TestRelay; three: TestRelay }

  it('a peer known only to the last is found from the first, by its own signed word', async () => {
    const { ana, ben, three } = all()
    assert.ok(!ana.mesh.peers.some(({ id }) => id === ben.mesh.peer), 'Ana’s relay tells her of Ben')
    const places = await waitUntil(async () => (await find(ana, ben.mesh.peer))[0], { ms: 20_000, what: 'Ben to be found' })
    assert.equal(places.relay, three.peer)
    assert.ok(places.addresses[0]?.endsWith(`/p2p/${three.peer}/p2p-circuit/p2p/${ben.mesh.peer}`), places.addresses.join(' '))
    assert.ok(places.until > Date.now() && places.until <= Date.now() + 300_000)
  })

  it('and reached there: then streams open as with anybody, as far as his policy goes', async () => {
    const { ana, ben } = all()
    await ben.mesh.policy.put({ id: 'ana', who: [`peer:${ana.mesh.peer}`], may: ['link.echo'], label: 'Ana: test the path' })
    await ana.mesh.find(ben.mesh.peer, { connect: true, signal: AbortSignal.timeout(10_000) })
    const stream = await ana.mesh.open(ben.mesh.peer, PROTOCOL.echo)
    await stream.writable.getWriter().write(Uint8Array.of(7))
    assert.deepEqual((await stream.readable.getReader().read()).value, Uint8Array.of(7))
    assert.equal(stream.path, 'relayed')
    stream.abort()
  })

  it('`dmesh find` says the same, and with --connect a terminal reaches him', async () => {
    const { ben, one, three } = all()
    const dir = await mkdtemp(join(tmpdir(), 'dmesh-find-'))
    const dmesh = (...args: string[]) => runCommand([...args, '--data-dir', dir])
    try {
      assert.equal((await dmesh('join', `http://127.0.0.1:${one.port}`)).code, 0)
      const found = await dmesh('find', ben.mesh.peer, '--connect')
      assert.equal(found.code, 0, found.err)
      assert.ok(found.out.startsWith(`at the relay ${three.peer}\n/`), found.out)
      const nobody = await dmesh('find', '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')
      assert.deepEqual([nobody.code, nobody.out], [5, ''], nobody.err)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('the relays say so themselves, as `dmesh find` asks them', async () => {
    const { ben, one, three } = all()
    const [place] = await createLocalClient(one.dataDir).find({ peer: ben.mesh.peer }, AbortSignal.timeout(10_000))
    assert.equal(place?.relay, three.peer)
    const reach = createLocalClient(one.dataDir).find({ peer: ben.mesh.peer, connect: true }, AbortSignal.timeout(10_000))
    await assert.rejects(reach, (error) => codeOf(error) === 'NOT_SUPPORTED')
  })

  it('nobody is found who is nowhere, and nothing that is no PeerID is looked for', async () => {
    const { ana } = all()
    const nobody = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
    assert.deepEqual(await find(ana, nobody), [])
    await assert.rejects(ana.mesh.find(nobody, { connect: true }), (error) => codeOf(error) === 'PEER_UNREACHABLE')
    await assert.rejects(ana.mesh.find('../etc'), (error) => codeOf(error) === 'BAD_ARGUMENT')
    await assert.rejects(ana.mesh.find(nobody, { signal: AbortSignal.abort() }), (error) => codeOf(error) === 'ABORTED')
  })
})

describe('a relay with --kad off', () => {
  it('answers no question', async () => {
    const relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off', '--kad', 'off'] })
    const ana = await at(relay, 'Ana')
    try {
      await assert.rejects(ana.mesh.open(relay.peer, PROTOCOL.kad), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
      assert.deepEqual(await find(ana, '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'), [])
    } finally {
      await ana.close()
      await relay.end()
    }
  })
})
