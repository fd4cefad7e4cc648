/** What must hold of a peer and its relay after any faults: the invariant that keeper-faults.test.ts runs for many seeds. */
import assert from 'node:assert/strict'
import type { Relay } from '../../relay-server/relay.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import type { Fault } from '../support/faults/faults.ts'
import { type FaultyPeer, startFaultyPeer, suffer } from '../support/faults/peer.ts'
import { watchStalls } from '../support/stalls.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

export interface FaultyRelay extends AsyncDisposable {
  readonly relay: Relay
  readonly origin: string
  /** Somebody with a good network, who calls. */
  readonly caller: TestPeer
}

/** ms after the network is back until a place is held and calls come through. */
const BACK = 2_000

export async function startFaultyRelay(): Promise<FaultyRelay> {
  const relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
  const origin = `http://127.0.0.1:${relay.port}`
  // It reaches out to nobody by itself: one peer may call 120 times a minute.
  const caller = await startTestPeer({ origin, name: 'caller', parts: { kind: 'relay' } })
  return {
    relay,
    origin,
    caller,
    async [Symbol.asyncDispose]() {
      await caller.close()
      await relay.end()
    },
  }
}

export async function keepsItsPlace({ origin, caller }: FaultyRelay, seed: number): Promise<void> {
  const peer = await startFaultyPeer({ origins: [origin], seed, name: `peer ${seed}` })
  const faults: Fault[] = []
  try {
    // Every other seed is at it before the peer was ever reserved.
    if (seed % 2 === 0) await waitUntil(() => isReserved(peer), { ms: 10_000, what: 'the first place' })
    await suffer(peer, faults)
    const back = performance.now()
    const stalled = watchStalls()
    // An answer over what is about to end is not the end of it: what the faults left on the old connection may come apart only now.
    const isBack = async () => isReserved(peer) && (await answers(caller, peer)) && isReserved(peer)
    await waitUntil(async () => (await isBack()) || performance.now() - back > BACK + stalled.ms(), { ms: 60_000, what: 'an answer' })
    stalled.end()
    const took = Math.round(performance.now() - back)
    assert.ok(took <= BACK + stalled.ms(), `no answer through the relay after ${took} ms`)
    assert.ok(isReserved(peer), `no place is held after ${took} ms`)
    assert.equal(peer.relay.reservations().length, 1)
    assert.equal(new Set(peer.mesh.addresses()).size, peer.mesh.addresses().length, 'an address is told twice')
  } catch (error) {
    const story = faults.map(({ name, about = '' }) => `${name} ${about}`).join(', ')
    throw new Error(`after ${story || 'nothing'}: ${(error as Error).message}; relays ${JSON.stringify(peer.mesh.state.relays)}`, { cause: error })
  } finally {
    await peer.end()
  }
}

function isReserved({ mesh }: FaultyPeer): boolean {
  return mesh.state.relays.some(({ status }) => status === 'reserved')
}

/** A byte there and back over a new stream: more than a word of the relay. */
async function answers(caller: TestPeer, { mesh }: FaultyPeer): Promise<boolean> {
  if (!caller.mesh.peers.some(({ id, path }) => id === mesh.peer && path !== 'away')) return false
  try {
    const stream = await caller.mesh.open(mesh.peer, PROTOCOL.echo, { signal: AbortSignal.timeout(BACK) })
    stream.closed.catch(() => undefined)
    const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()]
    await writer.write(Uint8Array.of(7))
    const { value } = await reader.read()
    stream.abort()
    return value?.[0] === 7
  } catch {
    return false
  }
}
