/** A page that dials webrtc-direct with our transport or the stock one and measures. Driven by tests/browser/webrtc-direct.test.ts. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Transport } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webRTCDirect } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { toPort } from '../../../src/core/port.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { serveRtcHost } from '../../../src/transports/webrtc/host.page.ts'
import { createStandIn } from '../../../src/transports/webrtc/stand-in.ts'
import type { RtcPeerConstructor } from '../../../src/transports/webrtc-direct/rtc.ts'
import { createWebRtcDirect } from '../../../src/transports/webrtc-direct/transport.ts'

const ECHO = '/dmesh-test/echo/1.0.0'
const SINK = '/dmesh-test/sink/1.0.0'
const FLOOD = '/dmesh-test/flood/1.0.0'

export interface DialOptions {
  readonly stock?: boolean
  /** Through the worker's stand-in and a host over a MessagePort. */
  readonly standIn?: boolean
  readonly versions?: readonly (1 | 2)[]
  /** Bytes to send to the sink. */
  readonly upload?: number
  /** Echoes of one byte, one after the other on one stream. */
  readonly pings?: number
  /** Be flooded on a stream that is not read. */
  readonly neverRead?: boolean
}

export interface DialResult {
  readonly version: number
  /** ms */
  readonly dial: number
  readonly echoed: boolean
  /** Bytes the sink counted. */
  readonly received: number
  /** MiB/s */
  readonly rate: number
  /** ms, median */
  readonly ping: number
  /** Code with which the stream ended that was not read. */
  readonly cut?: string
}

const nodes = new Map<string, Promise<{ node: Libp2p; version: () => number }>>()

function hostedConnection(): RtcPeerConstructor {
  const { port1, port2 } = new MessageChannel()
  serveRtcHost({ port: toPort(port1), log: () => undefined })
  const standIn = createStandIn()
  standIn.attach(toPort(port2))
  return standIn.RTCPeerConnection as RtcPeerConstructor
}

async function makeNode({ stock, standIn, versions }: DialOptions): Promise<{ node: Libp2p; version: () => number }> {
  let version = 0
  const own = createWebRtcDirect({
    RTCPeerConnection: standIn ? hostedConnection() : (RTCPeerConnection as unknown as RtcPeerConstructor),
    clock: systemClock(),
    log: (event, fields) => {
      if (event === 'webrtc-direct.dial.opened') version = Number(fields?.version)
    },
    versions,
  })
  const node = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    transports: [stock ? webRTCDirect({ rtcConfiguration: { iceServers: [] } }) : (own.factory as () => Transport)],
    connectionEncrypters: [noise()],
    connectionGater: { denyDialMultiaddr: () => false },
  })
  return { node, version: () => (stock ? 1 : version) }
}

async function run(address: string, options: DialOptions = {}): Promise<DialResult> {
  const key = JSON.stringify([options.stock, options.standIn, options.versions])
  const made = nodes.get(key) ?? makeNode(options)
  nodes.set(key, made)
  const { node, version } = await made
  const start = performance.now()
  const connection = await node.dial(multiaddr(address))
  const dial = performance.now() - start
  const data = crypto.getRandomValues(new Uint8Array(60_000))
  const back = await exchange(connection, ECHO, data, 1)
  const size = options.upload ?? 0
  const began = performance.now()
  const received = size > 0 ? Number(new TextDecoder().decode(await exchange(connection, SINK, new Uint8Array(65_536), size / 65_536))) : 0
  const rate = size / 1048.576 / (performance.now() - began)
  const ping = await pings(connection, options.pings ?? 0)
  const cut = options.neverRead ? await neverRead(connection) : undefined
  await connection.close()
  return {
    cut,
    version: version(),
    dial,
    echoed: back.length === data.length && back.every((byte, index) => byte === data[index]),
    received,
    rate,
    ping,
  }
}

async function neverRead(connection: Connection): Promise<string> {
  const stream = await connection.newStream(FLOOD)
  stream.pause()
  return new Promise((resolve) => stream.addEventListener('close', ({ error }) => resolve(codeOf(error))))
}

async function exchange(connection: Connection, protocol: string, chunk: Uint8Array, times: number): Promise<Uint8Array> {
  const stream = await connection.newStream(protocol)
  const answer = (async () => {
    const parts: number[] = []
    for await (const part of stream) parts.push(...part.subarray())
    return Uint8Array.from(parts)
  })()
  for (let i = 0; i < times; i++) if (!stream.send(chunk)) await stream.onDrain()
  await stream.close()
  return answer
}

async function pings(connection: Connection, count: number): Promise<number> {
  if (count === 0) return 0
  const stream = await connection.newStream(ECHO)
  const times: number[] = []
  const reader = stream[Symbol.asyncIterator]()
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    stream.send(Uint8Array.of(i))
    await reader.next()
    times.push(performance.now() - start)
  }
  await stream.close()
  return times.sort((a, b) => a - b)[count >> 1] ?? 0
}

export const direct = { run: (address: string, options?: DialOptions) => run(address, options) }
Object.assign(globalThis, { direct })
