/** The peer beside us in B1, B6, B8 and B9: js-libp2p as its documentation builds it, on the page's main thread: WebSocket to a relay, /webrtc between browsers. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/bench/sink/1.0.0'
const ECHO = '/bench/echo/1.0.0'

async function start(relay: string) {
  const libp2p = await createLibp2p({
    addresses: { listen: [`${relay}/p2p-circuit`, '/webrtc'] },
    transports: [webSockets(), webRTC({ rtcConfiguration: { iceServers: [] } }), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  })
  let received = 0
  await libp2p.handle(
    PROTOCOL,
    (stream: Stream) => {
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
      })
    },
    { runOnLimitedConnection: true },
  )
  await libp2p.handle(ECHO, (stream: Stream) => stream.addEventListener('message', ({ data }) => void stream.send(data.subarray())), {
    runOnLimitedConnection: true,
  })
  return {
    peer: libp2p.peerId.toString(),
    received: () => received,
    async dial(peer: string) {
      const connection = await libp2p.dial(multiaddr(`${relay}/p2p-circuit/webrtc/p2p/${peer}`))
      return connection.remoteAddr.toString()
    },
    /** Send for `ms`, waiting for room as the documentation says. */
    async pump(peer: string, ms: number) {
      const connection = libp2p.getConnections().find((one) => one.remotePeer.toString() === peer && one.remoteAddr.toString().includes('/webrtc'))
      if (!connection) throw new Error('no direct connection')
      const stream = await connection.newStream(PROTOCOL)
      const chunk = new Uint8Array(64 * 1024)
      const end = performance.now() + ms
      while (performance.now() < end) {
        if (!stream.send(chunk)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
      }
      stream.abort(new Error('done'))
    },
    /** Round trips of 32 bytes, with `fresh` a new stream each, else all on one: what a request costs. ms each. */
    async requests(peer: string, count: number, fresh: boolean) {
      const connection = libp2p.getConnections().find((one) => one.remotePeer.toString() === peer && one.remoteAddr.toString().includes('/webrtc'))
      if (!connection) throw new Error('no direct connection')
      const times: number[] = []
      const kept = await connection.newStream(ECHO)
      for (let i = 0; i < count; i++) {
        const begin = performance.now()
        const stream = fresh ? await connection.newStream(ECHO) : kept
        const answer = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
        stream.send(new Uint8Array(32))
        await answer
        times.push(performance.now() - begin)
        if (fresh) stream.abort(new Error('done'))
      }
      kept.abort(new Error('done'))
      return times
    },
  }
}

Object.assign(globalThis, { startStock: start })
