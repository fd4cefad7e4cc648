/** The peer beside us in B3: js-libp2p as its documentation builds it, on the page's main thread, with streams to a Node.js peer over WebSocket and webrtc-direct. */
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const scope = globalThis as unknown as { received: number }

async function start() {
  const libp2p = await createLibp2p({
    transports: [webSockets(), webRTCDirect({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  })
  return {
    /** Send for `ms`, waiting for room as the documentation says. */
    async up(address: string, ms: number) {
      const stream = await libp2p.dialProtocol(multiaddr(address), '/bench/sink/1.0.0')
      const chunk = new Uint8Array(64 * 1024)
      const end = performance.now() + ms
      while (performance.now() < end && stream.status === 'open') {
        if (!stream.send(chunk)) await Promise.race([drained(stream), new Promise((resolve) => setTimeout(resolve, ms))])
      }
      await libp2p.hangUp(multiaddr(address))
    },
    async down(address: string, ms: number) {
      scope.received = 0
      const stream = await libp2p.dialProtocol(multiaddr(address), '/bench/source/1.0.0')
      stream.addEventListener('message', ({ data }) => {
        scope.received += data.byteLength
      })
      await new Promise((resolve) => setTimeout(resolve, ms))
      await libp2p.hangUp(multiaddr(address))
    },
  }
}

function drained(stream: Stream): Promise<unknown> {
  return new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
}

Object.assign(globalThis, { startEnds: start })
