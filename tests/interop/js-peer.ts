/** A peer of js-libp2p from its published parts only, with none of ours: what any application on that library would be. */
import { randomBytes } from 'node:crypto'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { FOREIGN, PROTOCOL } from '../../src/wire/ids.ts'
import { waitUntil } from '../support/wait.ts'
import type { ForeignPeer } from './foreign-peer.ts'

/** ms for any request. */
const ANSWER_MS = 30_000
const PING_BYTES = 32

/** The caller closes it. */
export async function startJsPeer({ listen = [] }: { readonly listen?: readonly string[] } = {}): Promise<ForeignPeer> {
  let transports: TransportManager | undefined
  const node = (await createLibp2p({
    addresses: { listen: [...listen] },
    transports: [webSockets(), webRTCDirect({ rtcConfiguration: { iceServers: [] } }), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify({ runOnLimitedConnection: true }),
      transports: (components: { transportManager: TransportManager }) => {
        transports = components.transportManager
        return {}
      },
    },
  })) as unknown as Libp2p<{ identify: Identify }>
  await node.handle(PROTOCOL.echo, serveEcho, { runOnLimitedConnection: true })
  await node.handle(FOREIGN.ping, serveEcho, { runOnLimitedConnection: true })
  const to = (peer: string): Connection => {
    const [connection] = node.getConnections(peerIdFromString(peer))
    if (!connection) throw new Error(`no connection to ${peer}`)
    return connection
  }
  const signal = () => AbortSignal.timeout(ANSWER_MS)
  return {
    peer: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),
    async dial(address) {
      await node.dial(multiaddr(address), { signal: signal(), force: true })
    },
    connections: async (peer) =>
      node.getConnections(peerIdFromString(peer)).map(({ remoteAddr, direction, limits }) => ({
        address: remoteAddr.toString(),
        inbound: direction === 'inbound',
        limited: limits !== undefined,
      })),
    async ping(peer) {
      const began = performance.now()
      await roundTrip(await to(peer).newStream(FOREIGN.ping, { signal: signal(), runOnLimitedConnection: true }), PING_BYTES)
      return performance.now() - began
    },
    async identify(peer) {
      const { agentVersion = '', protocols } = await node.services.identify.identify(to(peer), { signal: signal() })
      return { agent: agentVersion, protocols }
    },
    async echo(peer, bytes, { limited = false } = {}) {
      await roundTrip(await to(peer).newStream(PROTOCOL.echo, { signal: signal(), runOnLimitedConnection: limited }), bytes)
    },
    async reserve(relay) {
      await transports?.listen([multiaddr(`${relay}/p2p-circuit`)])
      const circuits = () => node.getMultiaddrs().map(String)
      await waitUntil(() => circuits().some((one) => one.includes('/p2p-circuit')), { what: 'the address through the relay', ms: ANSWER_MS })
      return { addresses: circuits() }
    },
    hangUp: (peer) => node.hangUp(peerIdFromString(peer), { signal: signal() }),
    close: async () => node.stop(),
  }
}

async function serveEcho(stream: Stream): Promise<void> {
  try {
    for await (const chunk of stream) if (!stream.send(chunk)) await stream.onDrain()
    await stream.close()
  } catch {
    stream.abort(new Error('the other side went away'))
  }
}

/** Everything must come back, and the end after it. */
async function roundTrip(stream: Stream, bytes: number): Promise<void> {
  const sent = randomBytes(bytes)
  const writing = (async () => {
    for (let at = 0; at < bytes; at += 65_536) if (!stream.send(sent.subarray(at, at + 65_536))) await stream.onDrain()
    await stream.close()
  })()
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk.subarray())
  await writing
  if (!Buffer.concat(parts).equals(sent)) throw new Error(`${Buffer.concat(parts).byteLength} bytes came back, not the ${bytes} that were sent`)
}
