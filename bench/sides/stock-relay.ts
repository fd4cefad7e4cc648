/** The peer beside our relay: libp2p with the stock circuit-relay-v2 server, limits off, as a process that prints its address. */
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const relay = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 1000 },
  services: { identify: identify(), relay: circuitRelayServer({ reservations: { applyDefaultLimit: false, maxReservations: 1000 } }) },
})
process.stdout.write(`${relay.getMultiaddrs()[0]}\n`)
process.on('disconnect', () => process.exit(0))
