/** One caller, or one network with many keys, must not take all circuits of somebody else and so make that peer unreachable. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Libp2p } from '@libp2p/interface'
import { createMessageStream } from '../../src/transports/relay/message-stream.ts'
import { decodeHop, encodeHop, statusName } from '../../src/transports/relay/wire.ts'
import { FOREIGN } from '../../src/wire/ids.ts'
import { type RelayNode, startClient, startRelay } from './relay-nodes.ts'

const opened: { stop(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((node) => node.stop()))
})

async function client(): Promise<Awaited<ReturnType<typeof startClient>>> {
  const made = await startClient()
  opened.push(made.node)
  return made
}

/** A relay that takes peers of `far` for another network, and a peer that is reachable through it. */
async function relayAndVictim(far: Set<string>, circuitsPerPeer: number): Promise<{ relay: RelayNode; victim: Libp2p }> {
  const remoteAddressOf = ({ remotePeer }: { remotePeer: { toString(): string } }) => (far.has(remotePeer.toString()) ? '198.51.100.7' : '192.0.2.7')
  const relay = await startRelay({ quotas: { circuitsPerPeer }, remoteAddressOf })
  opened.push(relay.node)
  const victim = await client()
  await victim.node.dial(relay.address)
  await victim.relay.reserve(relay.node.peerId.toString(), new AbortController().signal)
  return { relay, victim: victim.node }
}

/** The answer to one CONNECT; the circuit is left as it is and nothing is ever said on it. */
async function call(from: Libp2p, relay: RelayNode, to: Libp2p): Promise<string> {
  const messages = createMessageStream(await from.dialProtocol(relay.address, FOREIGN.hop))
  const signal = AbortSignal.timeout(8_000)
  await messages.write(encodeHop({ type: 1, peer: { id: to.peerId.toMultihash().bytes, addrs: [] } }), signal)
  return statusName(decodeHop(await messages.read(signal)).status)
}

test('one peer gets four circuits to another, not all of them', async () => {
  const { relay, victim } = await relayAndVictim(new Set(), 64)
  const [mallory, alice] = [await client(), await client()]
  for (let i = 0; i < 4; i++) assert.equal(await call(mallory.node, relay, victim), 'OK')
  assert.equal(await call(mallory.node, relay, victim), 'RESOURCE_LIMIT_EXCEEDED')
  assert.equal(await call(alice.node, relay, victim), 'OK')
})

test('many keys of one network leave half of a peer’s circuits to others', async () => {
  const far = new Set<string>()
  const { relay, victim } = await relayAndVictim(far, 4)
  const callers = [await client(), await client(), await client()]
  const answers: string[] = []
  for (const { node } of callers) answers.push(await call(node, relay, victim))
  assert.deepEqual(answers, ['OK', 'OK', 'RESOURCE_LIMIT_EXCEEDED'])
  const alice = await client()
  far.add(alice.node.peerId.toString())
  assert.equal(await call(alice.node, relay, victim), 'OK')
})
