/** B7: round trips to the first byte of an answer, over ways with 25 ms each way: to a peer that listens, and through a relay. Ours beside js-libp2p beside bare WebSockets. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../src/shared/clock.ts'
import { silentLog } from '../src/shared/log.ts'
import { createRelayTransport } from '../src/transports/relay/transport.ts'
import { openNodeSocket } from '../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../src/transports/websocket/transport.ts'
import { PROTOCOL } from '../src/wire/ids.ts'
import { countCrossings, openSlowWay } from '../tests/support/slow-way.ts'
import { startTestMesh, type TestMesh } from '../tests/support/test-mesh.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { type BenchRun, runBench } from './bench-run.ts'
import type { Sample } from './compare.ts'

const DELAY = 25 // ms one way
const BYTES = new Uint8Array(32)
const ids: string[] = []

/** A slow way to `port`; gives the port to dial instead. */
async function slow(run: BenchRun, port: number): Promise<number> {
  const crossings = countCrossings()
  const way = await openSlowWay({ delay: DELAY, to: { host: '127.0.0.1', port }, from: 'dialer', target: 'other', crossings })
  run.defer(way.close)
  return way.port
}

const portOf = (address: string) => Number(/\/tcp\/(\d+)/.exec(address)?.[1])
const over = (address: string, port: number) => address.replace(/\/tcp\/\d+/, `/tcp/${port}`)

/** In round trips of `way` crossings each. */
async function timed(crossings: number, work: () => Promise<void>): Promise<Sample> {
  const begin = performance.now()
  await work()
  return { value: (performance.now() - begin) / DELAY / crossings }
}

async function request({ mesh }: TestMesh, peer: string): Promise<void> {
  const stream = await mesh.open(peer, PROTOCOL.echo)
  await stream.writable.getWriter().write(BYTES)
  await stream.readable.getReader().read()
  stream.abort()
}

async function ask(node: Libp2p, address: string): Promise<void> {
  const stream = await node.dialProtocol(multiaddr(address), PROTOCOL.echo, { runOnLimitedConnection: true })
  stream.send(BYTES)
  await new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
  stream.abort(new Error('done'))
}

async function stock(run: BenchRun, listen: readonly string[]): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: [...listen] },
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1000 },
    services: { identify: identify() },
  })
  const echo = (stream: Stream) => stream.addEventListener('message', ({ data }) => void stream.send(data))
  await node.handle(PROTOCOL.echo, echo, { runOnLimitedConnection: true })
  run.defer(() => node.stop())
  return node
}

async function mine(run: BenchRun, relay?: string): Promise<TestMesh> {
  if (!relay) {
    const mesh = await startTestMesh(() => ids)
    ids.push(mesh.mesh.peer)
    run.defer(mesh.close)
    return mesh
  }
  const client = createRelayTransport({ clock: systemClock(), log: silentLog() })
  const site = { peer: relay.split('/p2p/')[1] as string, name: 'slow', addresses: [relay] }
  const transports = [createWebSocket({ open: openNodeSocket }), client]
  const mesh = await startTestMesh(() => ids, { transports, relayClient: client, relays: [{ name: 'slow', resolve: async () => site }] })
  ids.push(mesh.mesh.peer)
  run.defer(mesh.close)
  await waitUntil(() => mesh.mesh.state.relays.some(({ status }) => status === 'reserved'), { ms: 10_000, what: 'a place at the relay' })
  return mesh
}

async function toListener(run: BenchRun): Promise<void> {
  const ours = await mine(run)
  const ourWay = over(ours.address, await slow(run, portOf(ours.address)))
  const theirs = await stock(run, ['/ip4/127.0.0.1/tcp/0/ws'])
  const listen = theirs.getMultiaddrs().map(String)[0] as string
  const theirWay = over(listen, await slow(run, portOf(listen)))
  const bare = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  bare.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  run.defer(() => bare.close())
  await once(bare, 'listening')
  const bareWay = await slow(run, (bare.address() as AddressInfo).port)
  await run.compare(
    {
      name: 'B7 first byte from a peer that listens, WebSocket',
      fair: 'A new connection each time, 32 bytes there and back. Ours dials an address that names the protocol; js-libp2p as its documentation builds it; the limit has no encryption and proves nobody’s key. TCP’s own round trip counts.',
      unit: 'round trips',
      better: 'lower',
      sides: {
        ours: async () => {
          const dialer = await startTestMesh(() => ids)
          ids.push(dialer.mesh.peer)
          const sample = await timed(2, async () => {
            await dialer.mesh.connect(ourWay, { protocol: PROTOCOL.echo })
            await request(dialer, ours.mesh.peer)
          })
          await dialer.close()
          return sample
        },
        'js-libp2p': async () => {
          const dialer = await stock(run, [])
          const sample = await timed(2, () => ask(dialer, theirWay))
          await dialer.stop()
          return sample
        },
        limit: () =>
          timed(2, async () => {
            const socket = new WebSocket(`ws://127.0.0.1:${bareWay}`)
            await once(socket, 'open')
            socket.send(BYTES)
            await once(socket, 'message')
            socket.terminate()
          }),
      },
    },
    'b7-listener',
  )
}

async function throughRelay(run: BenchRun): Promise<void> {
  const ourRelay = await run.start('our-relay.ts')
  const site = (await (await fetch(`${ourRelay.line}/.well-known/dmesh.json`)).json()) as { addresses: string[] }
  const listen = site.addresses.find((text) => text.includes('/ws/p2p/')) as string
  const way = async (address: string) => over(address, await slow(run, portOf(address)))
  const [ourDialer, ourTarget] = [await mine(run, await way(listen)), await mine(run, await way(listen))]
  const circuit = `${await way(listen)}/p2p-circuit/p2p/${ourTarget.mesh.peer}`
  const theirRelay = (await run.start('stock-relay.ts')).line
  const theirWay = await way(theirRelay)
  const theirTarget = await stock(run, [`${await way(theirRelay)}/p2p-circuit`])
  await waitUntil(() => theirTarget.getMultiaddrs().length > 0, { ms: 10_000, what: 'a place at the stock relay' })
  const splice = Number((await run.start('ws-splice.ts')).line)
  await run.compare(
    {
      name: 'B7 first byte from a peer behind a relay, WebSocket',
      fair: 'Both peers are at the relay already. A new circuit each time, encrypted between the two, 32 bytes there and back; a round trip is the whole way, relay between. js-libp2p through its own relay. The limit is two bare sockets spliced: nothing but the bytes.',
      unit: 'round trips',
      better: 'lower',
      sides: {
        ours: () =>
          timed(4, async () => {
            await ourDialer.mesh.connect(circuit, { protocol: PROTOCOL.echo })
            await request(ourDialer, ourTarget.mesh.peer)
          }),
        'js-libp2p': async () => {
          const dialer = await stock(run, [])
          await dialer.dial(multiaddr(theirWay))
          const sample = await timed(4, () => ask(dialer, `${theirWay}/p2p-circuit/p2p/${theirTarget.peerId}`))
          await dialer.stop()
          return sample
        },
        limit: async () => {
          const ports = [await slow(run, splice), await slow(run, splice)]
          const [a, b] = ports.map((port) => new WebSocket(`ws://127.0.0.1:${port}`)) as [WebSocket, WebSocket]
          await Promise.all([once(a, 'message'), once(b, 'message')])
          b.on('message', (data) => b.send(data))
          const sample = await timed(4, async () => {
            a.send(BYTES)
            await once(a, 'message')
          })
          a.terminate()
          b.terminate()
          return sample
        },
      },
    },
    'b7-relayed',
  )
}

await runBench(async (run) => {
  await toListener(run)
  await throughRelay(run)
})
