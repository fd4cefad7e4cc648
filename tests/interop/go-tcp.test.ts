/** go-libp2p as published over plain TCP: it dials a relay with --tcp and reserves there, and our own peer dials it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/shared/clock.ts'
import { createTcp } from '../../src/transports/tcp/transport.node.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { startTestRelay } from '../support/test-relay.ts'
import type { ForeignPeer } from './foreign-peer.ts'
import { buildGoPeer, goMissing, startGoPeer } from './go-peer.ts'

const MUCH = 3 * 1024 * 1024 // bytes: more than any window that a stream starts with

describe('go-libp2p over TCP', { skip: goMissing(), timeout: 600_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let go: ForeignPeer
  before(async () => {
    await buildGoPeer()
    relay = await startTestRelay({ args: ['--tcp', '0'] })
    go = await startGoPeer({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  })
  after(async () => {
    await go?.close()
    await relay?.end()
  })

  it('dials the relay, measures it, moves megabytes and gets a place', async () => {
    const address = relay.mesh.addresses().find((text) => /\/tcp\/\d+\/p2p\//.test(text)) ?? ''
    await go.dial(address)
    assert.deepEqual(
      (await go.connections(relay.peer)).map((one) => one.address),
      [address.replace(/\/p2p\/.*/, '')],
    )
    assert.ok((await go.ping(relay.peer)) >= 0)
    await go.echo(relay.peer, MUCH)
    assert.equal((await go.reserve(address)).voucher, true)
  })

  it('is dialled by our own peer, which speaks a protocol there without waiting for a yes', async () => {
    const [address] = go.addresses
    const ours = await startTestMesh(() => [go.peer], { transports: [createTcp({ clock: systemClock() })] })
    await ours.mesh.connect(address ?? '', { protocol: PROTOCOL.echo })
    const stream = await ours.mesh.open(go.peer, PROTOCOL.echo)
    const writer = stream.writable.getWriter()
    await writer.write(new Uint8Array(MUCH).fill(7))
    await writer.close()
    let received = 0
    for await (const chunk of stream.readable) received += chunk.byteLength
    assert.equal(received, MUCH)
    await ours.close()
  })
})
