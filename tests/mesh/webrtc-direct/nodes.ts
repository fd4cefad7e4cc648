/** Libp2p nodes for webrtc-direct tests: ours and the stock transport, with an echo protocol on each. Loopback only. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream, Transport } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webRTCDirect } from '@libp2p/webrtc'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { systemClock } from '../../../src/shared/clock.ts'
import type { Log } from '../../../src/shared/log.ts'
import { createDirectCertificate, type DirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import type { ListenerLimits } from '../../../src/transports/webrtc-direct/limits.ts'
import { createDirectDoor, type DirectDoor } from '../../../src/transports/webrtc-direct/listener.node.ts'
import { nodePeerConnection } from '../../../src/transports/webrtc-direct/peer-connection.node.ts'
import { createWebRtcDirect } from '../../../src/transports/webrtc-direct/transport.ts'
import type { Version } from '../../../src/transports/webrtc-direct/wire.ts'

export const ECHO = '/dmesh-test/echo/1.0.0'
/** Reads to the end, answers with the number of bytes as text. */
export const SINK = '/dmesh-test/sink/1.0.0'

/** Sends FLOOD_BYTES to whoever opens it. */
export const FLOOD = '/dmesh-test/flood/1.0.0'
/** More than anybody may hold unread. */
const FLOOD_BYTES = 16 * 1024 * 1024
/** Takes the stream and never reads it; listener-process.ts alone has it. */
export const NEVER = '/dmesh-test/never/1.0.0'

export interface OurNode {
  readonly node: Libp2p
  readonly door: DirectDoor
  readonly events: readonly { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[]
}

export interface OurOptions {
  readonly versions?: readonly Version[]
  readonly listen?: readonly string[]
  readonly certificate?: DirectCertificate
  readonly limits?: Partial<ListenerLimits>
  /** Default: everybody, as whoever asked for dmesh.json is. */
  readonly isProven?: (host: string) => boolean
}

/** A node with our transport; listens on a free loopback port unless told otherwise. */
export async function ourNode(options: OurOptions = {}): Promise<OurNode> {
  const events: { event: string; fields: Record<string, unknown> }[] = []
  const log: Log = (event, fields = {}) => void events.push({ event, fields })
  const clock = systemClock()
  const door = createDirectDoor({
    certificate: options.certificate ?? createDirectCertificate(),
    clock,
    log,
    limits: options.limits,
    isProven: options.isProven ?? (() => true),
  })
  const transport = createWebRtcDirect({
    RTCPeerConnection: nodePeerConnection,
    clock,
    log,
    versions: options.versions,
    createListener: door.createListener,
    listen: options.listen ?? ['/ip4/127.0.0.1/udp/0/webrtc-direct'],
  })
  const node = await start(transport.factory as () => Transport, transport.listen)
  return { node, door, events }
}

/** A node with @libp2p/webrtc as it is published: v1 only. */
export function stockNode(listen: readonly string[] = ['/ip4/127.0.0.1/udp/0/webrtc-direct']): Promise<Libp2p> {
  return start(webRTCDirect({ rtcConfiguration: { iceServers: [] } }) as () => Transport, listen)
}

async function start(transport: () => Transport, listen: readonly string[]): Promise<Libp2p> {
  const node = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    addresses: { listen: [...listen] },
    transports: [transport],
    connectionEncrypters: [noise()],
    // One test makes more connections than one host may make in a second.
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY },
    connectionGater: { denyDialMultiaddr: () => false },
  })
  await node.handle(ECHO, async (stream: Stream) => {
    for await (const chunk of stream) if (!stream.send(chunk)) await stream.onDrain()
    await stream.close()
  })
  await node.handle(SINK, async (stream: Stream) => {
    let bytes = 0
    for await (const chunk of stream) bytes += chunk.byteLength
    stream.send(new TextEncoder().encode(String(bytes)))
    await stream.close()
  })
  await node.handle(FLOOD, async (stream: Stream) => {
    try {
      for (let sent = 0; sent < FLOOD_BYTES; sent += 65_536) if (!stream.send(new Uint8Array(65_536))) await stream.onDrain()
      await stream.close()
    } catch {
      stream.abort(new Error('the other side cut it'))
    }
  })
  return node
}

export function addressOf(node: Libp2p): Multiaddr {
  const [address] = node.getMultiaddrs()
  if (!address) throw new Error('the node listens nowhere')
  return address
}

/** Send `data` over a new stream and give back all that returns. */
export async function exchange(connection: Connection, protocol: string, data: Uint8Array): Promise<Uint8Array> {
  const stream = await connection.newStream(protocol)
  const answer = (async () => {
    const list = new Uint8ArrayList()
    for await (const chunk of stream) list.append(chunk)
    return list.subarray()
  })()
  // Sending fails too when the stream is reset; one of the two is enough.
  answer.catch(() => undefined)
  for (let at = 0; at < data.byteLength; at += 65_536) if (!stream.send(data.subarray(at, at + 65_536))) await stream.onDrain()
  await stream.close()
  return answer
}
