/** Round trips to the first byte of an answer, counted by what depends on what over ways with 25 ms each way (docs/adr/0013). The count is of the longest chain, so it does not depend on how fast this machine is; one of several tries has to be clean of what else runs on the link. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { peerUrlOf, readPeerUrl } from '../../src/core/address-url.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { countCrossings, openSlowWay, type SlowWay } from '../support/slow-way.ts'
import { startTestMesh, type TestMesh } from '../support/test-mesh.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const DELAY = 25 // ms one way
const TRIES = 4

const portOf = (address: string) => Number(/\/tcp\/(\d+)/.exec(address)?.[1])

async function request({ mesh }: TestMesh, peer: string): Promise<void> {
  const stream = await mesh.open(peer, PROTOCOL.echo)
  await stream.writable.getWriter().write(new Uint8Array(32))
  const { value } = await stream.readable.getReader().read()
  assert.equal(value?.byteLength, 32)
  stream.abort()
}

/** Dials as the URL says, and speaks as it says. */
async function connectTo({ mesh }: TestMesh, url: string): Promise<void> {
  const { address, protocol } = readPeerUrl(url)
  await mesh.connect(address, { protocol })
}

/** The fewest of some tries: what else is on the link, a ping or an identify, may only add to a count. */
async function fewest(attempt: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TRIES; i++) least = Math.min(least, await attempt())
  return least
}

describe('round trips to a peer that listens', () => {
  const ids: string[] = []
  const crossings = countCrossings()
  let b: TestMesh
  let way: SlowWay
  before(async () => {
    b = await startTestMesh(() => ids)
    ids.push(b.mesh.peer)
    way = await openSlowWay({ delay: DELAY, to: { host: '127.0.0.1', port: portOf(b.address) }, from: 'a', target: 'b', crossings })
  })
  after(async () => {
    await b.close()
    await way.close()
  })

  const address = () => b.address.replace(/\/tcp\/\d+/, `/tcp/${way.port}`)

  const joined = async (at: string, measure: (a: TestMesh) => Promise<number>) => {
    const a = await startTestMesh(() => ids)
    ids.push(a.mesh.peer)
    try {
      crossings.reset()
      await connectTo(a, at)
      return await measure(a)
    } finally {
      await a.close()
    }
  }
  const firstByte = (at: string) =>
    joined(at, async (a) => {
      await request(a, b.mesh.peer)
      return crossings.at('a') / 2
    })

  it('takes four over WebSocket when the URL names the protocol: TCP, WebSocket, Noise, request', async () => {
    assert.equal(await fewest(() => firstByte(peerUrlOf(address(), PROTOCOL.echo))), 4)
  })

  it('takes one more when nothing has said that the peer speaks the protocol', async () => {
    assert.equal(await fewest(() => firstByte(peerUrlOf(address()))), 5)
  })

  it('takes one on a connection that is there, when the protocol was spoken on it', async () => {
    const count = await fewest(() =>
      joined(peerUrlOf(address()), async (a) => {
        await request(a, b.mesh.peer)
        crossings.reset()
        await request(a, b.mesh.peer)
        return crossings.at('a') / 2
      }),
    )
    assert.equal(count, 1)
  })
})

describe('round trips through a relay', () => {
  const ids: string[] = []
  const crossings = countCrossings()
  const stack = new AsyncDisposableStack()
  let a: TestMesh
  let b: TestMesh
  let circuit: string
  before(async () => {
    const relay = await startTestRelay()
    stack.defer(() => relay.end())
    const listen = relay.addresses.find((text) => text.endsWith(`/ws/p2p/${relay.peer}`)) ?? ''
    const join = async (from: string) => {
      const way = await openSlowWay({ delay: DELAY, to: { host: '127.0.0.1', port: portOf(listen) }, from, target: 'relay', crossings })
      stack.defer(way.close)
      const site = { peer: relay.peer, name: 'slow', addresses: [`/ip4/127.0.0.1/tcp/${way.port}/ws/p2p/${relay.peer}`], quotas: {} }
      const clock = systemClock()
      const client = createRelayTransport({ clock, log: silentLog() })
      const mesh = await startTestMesh(() => ids, {
        transports: [createWebSocket({ open: openNodeSocket }), client],
        relayClient: client,
        relays: [{ name: 'slow', origin: relay.url, resolve: async () => site }],
      })
      stack.defer(mesh.close)
      ids.push(mesh.mesh.peer)
      await waitUntil(() => mesh.mesh.state.relays.some(({ status }) => status === 'reserved'), { what: 'a place at the relay' })
      return { mesh, address: site.addresses[0] ?? '' }
    }
    const first = await join('a')
    a = first.mesh
    b = (await join('b')).mesh
    circuit = `${first.address}/p2p-circuit/p2p/${b.mesh.peer}`
  })
  after(() => stack.disposeAsync())

  it('takes three of the whole way to a peer behind a relay: circuit, Noise, request', async () => {
    const count = await fewest(async () => {
      crossings.reset()
      await connectTo(a, peerUrlOf(circuit, PROTOCOL.echo))
      await request(a, b.mesh.peer)
      return crossings.at('a') / 4
    })
    assert.equal(count, 3)
  })
})
