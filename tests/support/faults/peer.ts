/** A test peer whose whole network is a faulty one. */
import { setTimeout as pause } from 'node:timers/promises'
import { createRelaySource } from '../../../src/mesh/relay-source.ts'
import { createRelayTransport, type RelayTransport } from '../../../src/transports/relay/transport.ts'
import { createWebSocket } from '../../../src/transports/websocket/transport.ts'
import { startTestPeer, type TestPeer, type TestPeerOptions } from '../test-peer.ts'
import { waitUntil } from '../wait.ts'
import { drawFaults, type Fault } from './faults.ts'
import { createFaultyNetwork, type FaultyNetwork } from './network.ts'

export interface FaultyPeer extends TestPeer {
  readonly network: FaultyNetwork
  readonly relay: RelayTransport
  /** Closes it and waits until nothing of it is left: sockets, timers. */
  end(): Promise<void>
}

export interface FaultyPeerOptions extends Omit<TestPeerOptions, 'origin'> {
  readonly origins: readonly string[]
  readonly seed: number
}

export async function startFaultyPeer({ origins, seed, name, log, parts = {} }: FaultyPeerOptions): Promise<FaultyPeer> {
  const network = createFaultyNetwork(seed)
  const { clock, open } = network
  const relay = createRelayTransport({ clock, log })
  const sources = origins.map((origin) => createRelaySource(origin, { fetch: network.fetch }))
  const peer = await startTestPeer({
    origin: origins[0] ?? '',
    name,
    log,
    parts: {
      clock,
      transports: [createWebSocket({ open }), relay],
      relayClient: relay,
      relays: sources,
      random: network.random.next,
      ...parts,
    },
  })
  return {
    ...peer,
    network,
    relay,
    async end() {
      await peer.close()
      await waitUntil(() => network.clock.timers() === 0, { what: `no timer to be left (${network.clock.timers()})` })
      network.end()
      await waitUntil(() => network.sockets() === 0, { what: 'no socket to be left' })
    },
  }
}

/** Lets faults come over its network, one on top of the other, each for a while that the seed says; then the network is whole, and the peer told where a system would tell. `faults` gets each as it begins. */
export async function suffer({ network, mesh }: FaultyPeer, faults: Fault[]): Promise<void> {
  for (const fault of drawFaults(network.random)) {
    faults.push(fault)
    fault.begin(network)
    await pause(network.random.between(50, 400))
  }
  network.heal()
  if (faults.some(({ told }) => told)) mesh.kick()
}
