/** The whole of what a foreign libp2p peer and DMesh do for each other, as tests: the relay is dialled and used as a hop, and our own peer dials and is dialled. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { nodePeerConnection } from '../../src/transports/webrtc-direct/peer-connection.node.ts'
import { createWebRtcDirect } from '../../src/transports/webrtc-direct/transport.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { FOREIGN, PROTOCOL } from '../../src/wire/ids.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'
import type { ForeignPeer } from './foreign-peer.ts'

/** Bytes: more than any window that a stream starts with. */
const MUCH = 3 * 1024 * 1024
const MIB = 1024 * 1024

export interface Foreign {
  readonly name: string
  /** Versions of webrtc-direct it dials with; it listens to ours with all of these. */
  readonly versions: readonly (1 | 2)[]
  start(options: { readonly listen?: readonly string[]; readonly direct?: 1 | 2 }): Promise<ForeignPeer>
}

type TestRelay = Awaited<ReturnType<typeof startTestRelay>>

interface Scene {
  readonly relay: TestRelay
  readonly ours: TestPeer
  readonly foreign: ForeignPeer
  readonly opened: readonly number[]
}

export function describeForeign(kind: Foreign): void {
  describe(kind.name, { timeout: 180_000 }, () => {
    let made: Partial<Scene> = {}
    const scene = () => made as Scene
    before(async () => {
      made = await openScene(kind)
    })
    after(async () => {
      await Promise.all([made.foreign?.close(), made.ours?.close()])
      await made.relay?.end()
    })
    itDialsOurRelay(kind, scene)
    itIsDialled(kind, scene)
    itMeetsThroughOurHop(scene)
  })
}

async function openScene(kind: Foreign): Promise<Scene> {
  const relay = await startTestRelay()
  const opened: number[] = []
  const clock = systemClock()
  const transport = createRelayTransport({ clock })
  const log = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
    if (event === 'webrtc-direct.dial.opened') opened.push(Number(fields.version))
  }
  const direct = createWebRtcDirect({ RTCPeerConnection: nodePeerConnection, clock, log })
  const ours = await startTestPeer({
    origin: `http://127.0.0.1:${relay.port}`,
    name: 'ours',
    log: silentLog(),
    parts: { transports: [createWebSocket({ open: openNodeSocket }), transport, direct], relayClient: transport },
  })
  const foreign = await kind.start({ listen: ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/webrtc-direct'] })
  return { relay, ours, foreign, opened }
}

const addressOf = (addresses: readonly string[], part: string): string => {
  const found = addresses.find((one) => one.includes(part))
  assert.ok(found, `no ${part} address among ${addresses.join(' ')}`)
  return found
}

/** ping, identify and our echo protocol over the connection that is open. */
async function uses(foreign: ForeignPeer, relay: TestRelay): Promise<void> {
  assert.ok((await foreign.ping(relay.peer)) < 5_000)
  const { agent, protocols } = await foreign.identify(relay.peer)
  assert.match(agent, /^dmesh\/0/)
  for (const id of [FOREIGN.hop, FOREIGN.ping, FOREIGN.identify, PROTOCOL.echo]) assert.ok(protocols.includes(id), `${id} is not told`)
  await foreign.echo(relay.peer, MUCH)
}

function itDialsOurRelay(kind: Foreign, scene: () => Scene): void {
  it('dials our relay over WebSocket: ping, identify, echo', async () => {
    const { relay, foreign } = scene()
    await foreign.dial(addressOf(relay.addresses, '/ws'))
    const [connection, ...more] = await foreign.connections(relay.peer)
    assert.match(connection?.address ?? '', /\/ws/)
    assert.equal(more.length, 0)
    await uses(foreign, relay)
    await foreign.hangUp(relay.peer)
  })
  for (const version of kind.versions)
    it(`dials our relay over webrtc-direct v${version}: ping, identify, echo`, async () => {
      const { relay } = scene()
      const before = relay.numbers().direct[`v${version}`] ?? 0
      const foreign = await kind.start({ direct: version })
      try {
        await foreign.dial(addressOf(relay.addresses, '/webrtc-direct'))
        const [connection] = await foreign.connections(relay.peer)
        assert.match(connection?.address ?? '', /\/webrtc-direct/)
        assert.equal(relay.numbers().direct[`v${version}`], before + 1)
        await uses(foreign, relay)
        await foreign.hangUp(relay.peer)
      } finally {
        await foreign.close()
      }
    })
}

/** Every byte comes back to us from the echo of the other side. */
async function echoes(mesh: Mesh, peer: string, bytes = MUCH): Promise<string> {
  const stream = await mesh.open(peer, PROTOCOL.echo)
  const sent = randomBytes(bytes)
  const writing = (async () => {
    const writer = stream.writable.getWriter()
    for (let at = 0; at < bytes; at += 65_536) await writer.write(sent.subarray(at, at + 65_536))
    await writer.close()
  })()
  const parts: Uint8Array[] = []
  for await (const chunk of stream.readable) parts.push(chunk)
  await writing
  assert.ok(Buffer.concat(parts).equals(sent), 'other bytes came back')
  return stream.path
}

function itIsDialled(kind: Foreign, scene: () => Scene): void {
  for (const part of ['/ws', '/webrtc-direct'])
    it(`is dialled by our peer over ${part}: ping, echo`, async () => {
      const { ours, foreign, opened } = scene()
      await ours.mesh.connect(addressOf(foreign.addresses, part))
      assert.equal(await echoes(ours.mesh, foreign.peer), 'direct')
      assert.ok((await ours.mesh.ping(foreign.peer)) < 5_000)
      const [connection] = await foreign.connections(ours.mesh.peer)
      assert.equal(connection?.inbound, true)
      // go-libp2p leaves out what stands after the port of a caller.
      assert.match(connection?.address ?? '', part === '/ws' ? /\/tcp\// : /\/udp\//)
      if (part !== '/ws') assert.equal(opened.at(-1), Math.max(...kind.versions))
      await leave(foreign, ours.mesh)
    })
}

async function leave(foreign: ForeignPeer, mesh: Mesh): Promise<void> {
  await foreign.hangUp(mesh.peer)
  await waitUntil(async () => (await foreign.connections(mesh.peer)).length === 0, { what: 'the connection to end' })
  await waitUntil(() => mesh.peers.every(({ id, path }) => id !== foreign.peer || path === 'away'), { what: 'our side to notice' })
}

function itMeetsThroughOurHop(scene: () => Scene): void {
  it('gets a place on our relay, with a voucher', async () => {
    const { relay, foreign } = scene()
    await foreign.dial(addressOf(relay.addresses, '/ws'))
    const place = await foreign.reserve(addressOf(relay.addresses, '/ws'))
    assert.ok(
      place.addresses.some((address) => address.includes(relay.peer)),
      place.addresses.join(' '),
    )
    if (place.seconds !== undefined) assert.ok(Math.abs(place.seconds - 3600) < 60, `${place.seconds} s`)
    if (place.voucher !== undefined) assert.equal(place.voucher, true)
  })

  it('is reached by our peer through the hop; a circuit of the lobby says that it is limited', async () => {
    const { relay, ours, foreign } = scene()
    await waitUntil(() => ours.mesh.state.relays[0]?.status === 'reserved', { what: 'our place' })
    const before = relay.numbers().relayedForward
    await ours.mesh.connect(circuit(relay, foreign.peer))
    assert.equal(await echoes(ours.mesh, foreign.peer), 'relayed')
    const [connection] = await foreign.connections(ours.mesh.peer)
    assert.deepEqual([connection?.inbound, connection?.limited], [true, true])
    assert.ok(relay.numbers().relayedForward - before > MUCH)
    await leave(foreign, ours.mesh)
  })

  it('reaches our peer through the hop; our policy decides about its streams', async () => {
    const { relay, ours, foreign } = scene()
    await foreign.dial(circuit(relay, ours.mesh.peer))
    const [connection] = await foreign.connections(ours.mesh.peer)
    assert.deepEqual([connection?.inbound, connection?.limited], [false, true])
    await assert.rejects(foreign.echo(ours.mesh.peer, MIB, { limited: true }))
    await ours.mesh.policy.put(echoRow(foreign.peer))
    await foreign.echo(ours.mesh.peer, MIB, { limited: true })
    await leave(foreign, ours.mesh)
  })

  it('a granted circuit carries no limit, either way round', async () => {
    const { relay, ours, foreign } = scene()
    const row = { id: 'granted', who: [`peer:${ours.mesh.peer}`, `peer:${foreign.peer}`], may: ['relay.hop'], label: 'Granted' }
    await writeFile(join(relay.dataDir, 'access.json'), JSON.stringify({ rows: [row] }))
    await relay.reload()
    await foreign.dial(circuit(relay, ours.mesh.peer))
    assert.deepEqual(
      (await foreign.connections(ours.mesh.peer)).map(({ limited }) => limited),
      [false],
    )
    // Without leave to use limited circuits: libp2p keeps streams off those by default.
    await foreign.echo(ours.mesh.peer, MUCH)
    await leave(foreign, ours.mesh)
    await ours.mesh.connect(circuit(relay, foreign.peer))
    assert.equal(await echoes(ours.mesh, foreign.peer), 'relayed')
    assert.deepEqual(
      (await foreign.connections(ours.mesh.peer)).map(({ inbound, limited }) => [inbound, limited]),
      [[true, false]],
    )
    await leave(foreign, ours.mesh)
  })
}

const circuit = (relay: TestRelay, peer: string) => `${addressOf(relay.addresses, '/ws')}/p2p-circuit/p2p/${peer}`

const echoRow = (peer: string) => ({ id: 'foreign', who: [`peer:${peer}`], may: ['link.echo'], label: 'The foreign peer: test the path' })
