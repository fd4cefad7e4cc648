/** A program to run inside a namespace: a Node.js peer that joins by one transport alone, greets everybody it sees and prints who greets it. `node netns-peer.ts ORIGIN websocket|webrtc-direct NAME` prints one JSON object a line, first `{ "ready": … }`. */
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { nodePeerConnection } from '../../src/transports/webrtc-direct/peer-connection.node.ts'
import { createWebRtcDirect } from '../../src/transports/webrtc-direct/transport.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { startTestPeer } from './test-peer.ts'
import { waitUntil } from './wait.ts'

const JOIN_MS = 20_000

const [origin = '', transport = '', name = ''] = process.argv.slice(2)
const clock = systemClock()
const log = silentLog()
const relay = createRelayTransport({ clock, log })
const own =
  transport === 'websocket' ? createWebSocket({ open: openNodeSocket }) : createWebRtcDirect({ RTCPeerConnection: nodePeerConnection, clock, log })
const { mesh } = await startTestPeer({ origin, name, parts: { transports: [own, relay], relayClient: relay } })
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

const greeted = new Set<string>()
const greet = () => {
  for (const { id, kind, path } of mesh.peers) {
    if (kind === 'relay' || path === 'away' || greeted.has(id)) continue
    greeted.add(id)
    mesh.send(id, 'chat', `hello from ${name}`).catch((error: Error) => say({ failed: error.message }))
  }
}
mesh.addEventListener('message', ({ detail }) => say({ peer: detail.peer, text: new TextDecoder().decode(detail.data) }))
mesh.addEventListener('peerchange', greet)
await waitUntil(() => mesh.state.relays[0]?.status === 'reserved' && mesh.state.relays[0].rtt !== undefined, {
  ms: JOIN_MS,
  what: `a place at the relay; ${JSON.stringify(mesh.state.relays)}`,
})
say({ ready: { peer: mesh.peer, transport: mesh.state.relays[0]?.transport, rtt: mesh.state.relays[0]?.rtt } })
greet()
