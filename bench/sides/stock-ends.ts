/** The peer of B3: js-libp2p in Node.js on WebSocket and webrtc-direct, which counts what comes on one protocol and sends 64 KiB without end on another. Prints its two addresses; answers 'received' with the bytes so far. */
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const CHUNK = new Uint8Array(64 * 1024)
let received = 0

async function give(stream: Stream): Promise<void> {
  while (stream.status === 'open') {
    if (!stream.send(CHUNK)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
}

const libp2p = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/webrtc-direct'] },
  transports: [webSockets(), webRTCDirect()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 1000 },
  services: { identify: identify() },
})
await libp2p.handle('/bench/sink/1.0.0', (stream: Stream) => {
  stream.addEventListener('message', ({ data }) => {
    received += data.byteLength
  })
})
await libp2p.handle('/bench/source/1.0.0', (stream: Stream) => void give(stream).catch(() => undefined))
const addresses = libp2p.getMultiaddrs().map(String)
process.stdout.write(`${addresses.find((text) => text.includes('/ws/'))} ${addresses.find((text) => text.includes('/webrtc-direct/'))}\n`)
process.on('message', () => process.send?.(received))
process.on('disconnect', () => process.exit(0))
