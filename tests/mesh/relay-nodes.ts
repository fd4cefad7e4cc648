/** Real libp2p instances for the relay tests: a relay with our hop server (or the stock one) and clients, joined by WebSockets on 127.0.0.1 port 0. */

import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Decide } from '../../src/core/access.ts'
import type { HopComponents, RelayClientComponents } from '../../src/transports/relay/components.ts'
import { RELAY_WINDOW } from '../../src/transports/relay/limits.ts'
import { createHopServer, type HopServer, type HopServerOptions } from '../../src/transports/relay/server.ts'
import { createRelayTransport, type RelayTransport } from '../../src/transports/relay/transport.ts'

/** Everything is allowed, with no limits. */
export const allowAll: Decide = () => ({ allow: true, limits: {}, why: 'test' })

const base = {
  connectionEncrypters: [noise()],
  streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: RELAY_WINDOW } })],
  connectionGater: { denyDialMultiaddr: () => false },
}

type Hop = Libp2p<{ hop: HopServer }>

export interface RelayNode {
  readonly node: Hop
  readonly hop: HopServer
  readonly address: Multiaddr
  readonly port: number
}

/** A relay with our server; everything is allowed unless `decide` says otherwise. */
export async function startRelay(options: Partial<HopServerOptions> & { port?: number; privateKey?: PrivateKey } = {}): Promise<RelayNode> {
  const { port = 0, privateKey, ...rest } = options
  const node = await createLibp2p({
    ...base,
    ...(privateKey ? { privateKey } : {}),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}/ws`] },
    transports: [webSockets()],
    services: { identify: identify(), hop: createHopServer({ decide: allowAll, drainTime: 200, ...rest }) },
  })
  const address = node.getMultiaddrs()[0] as Multiaddr
  return {
    node: node as unknown as Hop,
    hop: node.services.hop,
    address,
    port: Number(address.getComponents().find(({ name }) => name === 'tcp')?.value),
  }
}

/** A relay with the server of @libp2p/circuit-relay-v2. */
export async function startStockRelay(): Promise<{ node: Libp2p; address: Multiaddr }> {
  const node = await createLibp2p({
    ...base,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    services: { identify: identify(), hop: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) },
  })
  return { node: node as unknown as Libp2p, address: node.getMultiaddrs()[0] as Multiaddr }
}

/** A client with the transport of @libp2p/circuit-relay-v2. */
export async function startStockClient(listen: readonly string[] = []): Promise<Libp2p> {
  const node = await createLibp2p({
    ...base,
    addresses: { listen: [...listen] },
    transports: [webSockets(), circuitRelayTransport()],
    services: { identify: identify() },
  })
  return node as unknown as Libp2p
}

export interface ClientNode {
  readonly node: Libp2p
  readonly relay: RelayTransport
  /** What libp2p builds services from. */
  components(): HopComponents
}

/** A client with our transport. */
export async function startClient(options: { privateKey?: PrivateKey } = {}): Promise<ClientNode> {
  const relay = createRelayTransport()
  let seen: unknown
  const factory = (components: RelayClientComponents) => {
    seen = components
    return relay.factory(components)
  }
  const node = await createLibp2p({
    ...base,
    ...options,
    addresses: { listen: [...relay.listen] },
    transports: [webSockets(), factory],
    services: { identify: identify() },
  })
  return { node: node as unknown as Libp2p, relay, components: () => seen as HopComponents }
}

/** Address of `client` through `relay`. */
export function through(relay: { readonly address: Multiaddr }, client: Libp2p): Multiaddr {
  return multiaddr(`${relay.address}/p2p-circuit/p2p/${client.peerId}`)
}

export const ECHO = '/test/echo/1.0.0'

/** Sends every byte back, with back-pressure. */
export async function serveEcho(node: Libp2p): Promise<void> {
  await node.handle(ECHO, (stream) => void echo(stream), { runOnLimitedConnection: true })
}

async function echo(stream: Stream): Promise<void> {
  try {
    for await (const chunk of stream) if (!stream.send(chunk)) await stream.onDrain()
    await stream.close()
  } catch {
    stream.abort(new Error('echo ended'))
  }
}

/** All bytes until the other side's half-close. */
export async function readAll(stream: Stream): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk.subarray())
  return Buffer.concat(parts)
}

/** Send with back-pressure, then half-close. */
export async function sendAll(stream: Stream, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.byteLength; at += 65_536) if (!stream.send(data.subarray(at, at + 65_536))) await stream.onDrain()
  await stream.close()
}
