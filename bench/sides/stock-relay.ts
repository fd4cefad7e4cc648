/** The peer beside our relay: libp2p with the stock circuit-relay-v2 server, limits off, as a process that prints its address and answers 'held' with the memory it holds. */
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { heldBytes } from './memory.ts'

const relay = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 1000, maxConnections: 10_000, maxIncomingPendingConnections: 100 },
  services: { identify: identify(), relay: circuitRelayServer({ reservations: { applyDefaultLimit: false, maxReservations: 10_000 } }) },
})
process.stdout.write(`${relay.getMultiaddrs()[0]}\n`)
process.on('message', () => process.send?.(heldBytes()))
process.on('disconnect', () => process.exit(0))
