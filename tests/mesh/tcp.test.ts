/** Plain TCP: the whole Mesh contract over it, three round trips to the first byte, caps before anybody proved a key, and a relay that listens with --tcp. */
import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { peerUrlOf, readPeerUrl } from '../../src/core/address-url.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { PENDING } from '../../src/transports/tcp/limits.ts'
import { createTcp } from '../../src/transports/tcp/transport.node.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { MESH_CASES } from '../contract/mesh-api.ts'
import { countCrossings, openSlowWay } from '../support/slow-way.ts'
import { startTestMesh, type TestMesh, type TestMeshOptions } from '../support/test-mesh.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

const start = (ids: readonly string[], listen: readonly string[] = [LOOPBACK], more: TestMeshOptions = {}) =>
  startTestMesh(() => ids, { transports: [createTcp({ clock: systemClock(), listen })], ...more })

const addressOf = ({ mesh }: TestMesh) => mesh.addresses()[0] ?? ''
const portOf = (address: string) => Number(/\/tcp\/(\d+)/.exec(address)?.[1])

async function echo({ mesh }: TestMesh, peer: string): Promise<void> {
  const stream = await mesh.open(peer, PROTOCOL.echo)
  await stream.writable.getWriter().write(new Uint8Array(32))
  assert.equal((await stream.readable.getReader().read()).value?.byteLength, 32)
  stream.abort()
}

describe('Mesh contract over TCP', () => {
  const ids: string[] = []
  let a: TestMesh
  let b: TestMesh
  before(async () => {
    a = await start(ids, [])
    b = await start(ids)
    ids.push(a.mesh.peer, b.mesh.peer)
    await a.mesh.connect(addressOf(b))
  })
  after(() => Promise.all([a.close(), b.close()]))
  it('the path is direct and says TCP', () => {
    assert.match(addressOf(b), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/)
    const path = a.mesh.peers.find(({ id }) => id === b.mesh.peer)
    assert.deepEqual([path?.path, path?.transport], ['direct', 'tcp'])
  })
  for (const { name, run } of MESH_CASES) it(name, () => run({ a: a.mesh, b: b.mesh }))
})

describe('a TCP listener', () => {
  const ids: string[] = []
  let b: TestMesh
  before(async () => {
    b = await start(ids, [LOOPBACK], { kind: 'relay' })
    ids.push(b.mesh.peer)
  })
  after(() => b.close())

  it('answers the first request in three round trips: TCP, Noise, request', async () => {
    const crossings = countCrossings()
    const way = await openSlowWay({ delay: 25, to: { host: '127.0.0.1', port: portOf(addressOf(b)) }, from: 'a', target: 'b', crossings })
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 4; i++) {
      const a = await start(ids, [])
      ids.push(a.mesh.peer)
      const { address, protocol } = readPeerUrl(peerUrlOf(addressOf(b).replace(/\/tcp\/\d+/, `/tcp/${way.port}`), PROTOCOL.echo))
      crossings.reset()
      await a.mesh.connect(address, { protocol })
      await echo(a, b.mesh.peer)
      least = Math.min(least, crossings.at('a') / 2)
      await a.close()
    }
    await way.close()
    assert.equal(least, 3)
  })

  it('gives one network its share of places for sockets that prove nothing, the newest, and lets others in', async () => {
    const closed: number[] = []
    const sockets: Socket[] = []
    const a = await start(ids, [])
    try {
      for (let i = 0; i < PENDING.perPrefix + 20; i++) {
        const socket = connect({ host: '127.0.0.1', port: portOf(addressOf(b)), localAddress: '127.0.1.1' })
        sockets.push(socket.on('error', () => undefined).on('close', () => closed.push(i)))
        await new Promise((resolve) => socket.once('connect', resolve))
      }
      await waitUntil(() => closed.length >= 20, { what: '20 sockets to be cut' })
      assert.equal(await a.mesh.connect(addressOf(b)), b.mesh.peer)
      assert.deepEqual(
        [...closed].sort((x, y) => x - y),
        Array.from({ length: 20 }, (_, i) => i),
      )
    } finally {
      for (const socket of sockets) socket.destroy()
      await a.close()
    }
  })

  it('is no way to a Unix socket of the computer', async () => {
    const path = `/tmp/dmesh-tcp-${process.pid}.sock`
    let touched = 0
    const server = createServer(() => touched++)
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const a = await start(ids, [])
    await assert.rejects(a.mesh.connect(`/unix/${encodeURIComponent(path)}/p2p/${b.mesh.peer}`))
    assert.equal(touched, 0)
    await a.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('whoever has another key than the address says is refused', async () => {
    const a = await start(ids, [])
    const wrong = addressOf(b).replace(b.mesh.peer, a.mesh.peer === b.mesh.peer ? '' : '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH')
    await assert.rejects(a.mesh.connect(wrong), (error) => codeOf(error) === 'KEY_MISMATCH')
    await a.close()
  })
})

describe('a relay with --tcp', () => {
  it('is reached there and serves as any other, says so in its addresses, and without the flag does not listen', async () => {
    const relay = await startTestRelay({ args: ['--tcp', '0'] })
    const plain = await startTestRelay()
    const a = await start([], [])
    try {
      const tcp = relay.mesh.addresses().filter((text) => /\/tcp\/\d+\/p2p\//.test(text))
      assert.equal(tcp.length, 1)
      assert.deepEqual(
        plain.mesh.addresses().filter((text) => /\/tcp\/\d+\/p2p\//.test(text)),
        [],
      )
      assert.equal(await a.mesh.connect(tcp[0] ?? ''), relay.peer)
      await echo(a, relay.peer)
    } finally {
      await a.close()
      await Promise.all([relay.end(), plain.end()])
    }
  })

  it('says PORT_IN_USE when another program has the port', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    await assert.rejects(startTestRelay({ args: ['--tcp', String(port)] }), (error) => codeOf(error) === 'PORT_IN_USE')
    await new Promise((resolve) => other.close(resolve))
  })
})
