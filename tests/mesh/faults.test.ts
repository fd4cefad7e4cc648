/** The fault network itself, between a real peer and a real relay: each fault does what its name says, and a seed gives the same faults again. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { drawFaults, forSeeds } from '../support/faults/faults.ts'
import { type FaultyPeer, startFaultyPeer } from '../support/faults/peer.ts'
import { createRandom } from '../support/faults/random.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

describe('a faulty network', () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let peer: FaultyPeer
  before(async () => {
    relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
    peer = await startFaultyPeer({ origins: [`http://127.0.0.1:${relay.port}`], seed: 1, name: 'Ana' })
    await waitUntil(() => reserved(), { what: 'the first place' })
  })
  after(async () => {
    await peer?.end()
    await relay?.end()
  })
  const reserved = () => peer.mesh.state.relays[0]?.status === 'reserved'
  const ping = () => peer.mesh.ping(relay.peer, { signal: AbortSignal.timeout(5_000) })
  const echo = async () => {
    const stream = await peer.mesh.open(relay.peer, PROTOCOL.echo)
    stream.closed.catch(() => undefined)
    return { stream, writer: stream.writable.getWriter(), reader: stream.readable.getReader() }
  }

  it('delays', async () => {
    const before = await ping()
    peer.network.set({ delay: 150 })
    assert.ok((await ping()) >= 300, 'both ways')
    peer.network.heal()
    assert.ok(before < 150, `${before} ms without`)
  })

  it('stalls: bytes wait and come in order', async () => {
    const { stream, writer, reader } = await echo()
    peer.network.set({ stall: 'both' })
    await writer.write(Uint8Array.of(1))
    await writer.write(Uint8Array.of(2))
    const first = reader.read()
    assert.equal(await Promise.race([first.then(() => 'came'), later('waits')]), 'waits')
    peer.network.heal()
    const got = [...((await first).value ?? [])]
    while (got.length < 2) got.push(...((await reader.read()).value ?? []))
    assert.deepEqual(got, [1, 2])
    stream.abort()
  })

  it('refuses: whatever is open breaks by a cut, and nothing new is let in', async () => {
    peer.network.set({ refuse: true })
    peer.network.cut()
    await waitUntil(() => !reserved(), { what: 'the place to be gone' })
    await assert.rejects(peer.network.fetch(`http://127.0.0.1:${relay.port}/healthz`))
    peer.network.heal()
    await waitUntil(reserved, { what: 'a place again' })
  })

  it('loses a message: the cipher notices, the connection ends and is made anew', async () => {
    peer.network.set({ loss: 1 })
    const lost = ping().catch(() => undefined)
    peer.network.heal()
    await ping().catch(() => undefined)
    await lost
    await waitUntil(reserved, { what: 'a place again' })
  })

  it('half-opens: they keep what we know is gone', async () => {
    const before = peer.network.sockets()
    peer.network.halfOpen('us')
    await waitUntil(() => peer.network.sockets() === before + 1 && reserved(), { what: 'a second socket while the first stays' })
  })

  it('jumps: the wall clock alone', () => {
    const [now, monotonic] = [peer.network.clock.now(), peer.network.clock.monotonic()]
    peer.network.clock.jump(60_000)
    assert.ok(peer.network.clock.now() - now >= 60_000)
    assert.ok(peer.network.clock.monotonic() - monotonic < 10_000)
  })

  it('drawFaults gives the same for the same seed, and another for another', () => {
    const story = (seed: number) => JSON.stringify(drawFaults(createRandom(seed), 8).map(({ name, about }) => [name, about]))
    assert.equal(story(3), story(3))
    assert.ok(new Set(Array.from({ length: 50 }, (_, seed) => story(seed))).size > 45)
  })

  it('forSeeds names the seed that failed', async () => {
    await assert.rejects(
      forSeeds({ seeds: 5, parallel: 1 }, async (seed) => assert.ok(seed < 3, 'too high')),
      /seed 3 \(again: FAULT_SEED=3\): too high/,
    )
  })
})

function later<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), 100))
}
