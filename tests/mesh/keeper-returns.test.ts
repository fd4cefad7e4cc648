/** What takes a relay away from a peer, one thing at a time, and how soon the peer is reachable again: boot, restart, move, sleep, stale connections, a relay that stands still. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RELAY_INTERVAL } from '../../src/mesh/limits.ts'
import { createRelaySource } from '../../src/mesh/relay-source.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type FaultyPeer, startFaultyPeer } from '../support/faults/peer.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

const ARGS = ['--udp', 'off', '--stun', 'off']
const BACK = 2_000 // ms

const isReserved = ({ mesh }: TestPeer) => mesh.state.relays.some(({ status }) => status === 'reserved')

/** A byte there and back over a new stream. */
async function echo(from: TestPeer, to: TestPeer): Promise<boolean> {
  try {
    const stream = await from.mesh.open(to.mesh.peer, PROTOCOL.echo, { signal: AbortSignal.timeout(BACK) })
    stream.closed.catch(() => undefined)
    const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()]
    await writer.write(Uint8Array.of(9))
    const { value } = await reader.read()
    stream.abort()
    return value?.[0] === 9
  } catch {
    return false
  }
}

async function reachedWithin(ms: number, from: TestPeer, to: TestPeer, what: string): Promise<void> {
  const begun = performance.now()
  await waitUntil(() => echo(from, to), { ms: 20_000, what })
  const took = Math.round(performance.now() - begun)
  assert.ok(took <= ms, `${what}: ${took} ms`)
}

describe('a relay that comes and goes', () => {
  it('down at boot, up later, gone, and back on another port with the same key', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'dmesh-moves-'))
    let relay: RelayProcess | undefined
    // The name stays, the port does not.
    const source = {
      name: 'home',
      resolve: (signal: AbortSignal) => createRelaySource(`http://127.0.0.1:${relay?.port ?? 1}`).resolve(signal),
    }
    const parts = { relays: [source] }
    const [ana, ben] = [
      await startTestPeer({ origin: 'http://127.0.0.1:1', name: 'Ana', parts }),
      await startTestPeer({ origin: 'http://127.0.0.1:1', name: 'Ben', parts }),
    ]
    try {
      await waitUntil(() => ana.mesh.state.relays[0]?.status === 'unreachable', { what: 'the relay to be missed' })
      const keys = new Set<string>()
      for (const where of ['at boot', 'on another port']) {
        relay = await startRelayProcess({ dataDir, args: ARGS })
        await waitUntil(() => isReserved(ana) && isReserved(ben), { ms: BACK, what: `a place ${where}` })
        await reachedWithin(BACK, ana, ben, `Ben ${where}`)
        keys.add(ana.mesh.state.relays[0]?.id ?? '')
        await relay.stop('SIGKILL')
        await waitUntil(() => !isReserved(ana), { ms: BACK, what: 'the loss to be noticed' })
      }
      assert.equal(keys.size, 1)
    } finally {
      await Promise.all([ana.close(), ben.close()])
      await relay?.stop('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

describe('a peer that loses its connection', () => {
  let relay: RelayProcess
  let caller: TestPeer
  let peer: FaultyPeer
  before(async () => {
    relay = await startRelayProcess({ args: ARGS })
    const origin = `http://127.0.0.1:${relay.port}`
    caller = await startTestPeer({ origin, name: 'caller' })
    peer = await startFaultyPeer({ origins: [origin], seed: 1, name: 'Ana' })
    await reachedWithin(10_000, caller, peer, 'the first time')
  })
  after(async () => {
    await caller?.close()
    await peer?.end()
    await relay?.stop('SIGKILL')
  })

  it('eight times, while the relay still holds every older one: none stands in the way', async () => {
    for (let time = 0; time < 8; time++) {
      peer.network.halfOpen('us')
      await waitUntil(() => !isReserved(peer), { what: 'the loss to be noticed' })
      await reachedWithin(BACK, caller, peer, `time ${time}`)
    }
    await waitUntil(() => peer.network.sockets() === 1, { ms: 15_000, what: 'the relay to let go of the stale ones' })
  })

  it('and hears nothing of it: found out by the clock alone after a sleep', async () => {
    peer.network.halfOpen('them')
    peer.network.clock.jump(60_000)
    await waitUntil(() => peer.relay.reservations().length === 1 && peer.network.sockets() === 1, { ms: 10_000, what: 'a new connection' })
    await reachedWithin(BACK + 1_000, caller, peer, 'after the sleep')
  })

  it('and hears nothing of it, with no sign at all: found out by looking every ten seconds', async () => {
    peer.network.halfOpen('them')
    await reachedWithin(RELAY_INTERVAL + BACK, caller, peer, 'after the look')
  })

  it('at a relay that stands still: what is sent on a stream opened without waiting is not lost in silence', async () => {
    const at = peer.mesh.state.relays[0]?.id ?? ''
    const ask = async () => {
      const stream = await peer.mesh.open(at, PROTOCOL.echo)
      stream.closed.catch(() => undefined)
      const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()]
      await writer.write(Uint8Array.of(1)).catch(() => undefined)
      return (await reader.read()).value?.[0]
    }
    assert.equal(await ask(), 1)
    relay.child.kill('SIGSTOP')
    const begun = performance.now()
    await assert.rejects(ask(), (error) => codeOf(error) === 'PATH_LOST')
    const took = Math.round(performance.now() - begun)
    relay.child.kill('SIGCONT')
    assert.ok(took < 3_000, `${took} ms`)
    await reachedWithin(BACK + 1_000, caller, peer, 'after it goes on')
  })
})
