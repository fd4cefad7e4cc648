/** Sockets that connect and say nothing must not keep others out: a flood of them is cheap to make. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { WebSocket } from 'ws'
import { PENDING } from '../../src/transports/websocket/limits.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { waitUntil } from '../support/wait.ts'

it('a peer still gets in while 300 sockets are open that never begin the handshake', async () => {
  const b = await startTestMesh(() => [], { kind: 'relay' })
  const a = await startTestMesh(() => [])
  const port = multiaddr(b.address)
    .getComponents()
    .find(({ name }) => name === 'tcp')?.value
  const sockets = Array.from({ length: 300 }, () => new WebSocket(`ws://127.0.0.1:${port}`))
  try {
    await Promise.all(
      sockets.map((socket) => {
        socket.on('error', () => undefined)
        return new Promise((resolve) => socket.once('open', resolve))
      }),
    )
    assert.equal(await a.mesh.connect(b.address), b.mesh.peer)
  } finally {
    for (const socket of sockets) socket.terminate()
    await Promise.all([a.close(), b.close()])
  }
})

it('one network holds its share of places for sockets that prove nothing, the newest', async () => {
  const b = await startTestMesh(() => [], { kind: 'relay' })
  const a = await startTestMesh(() => [])
  const port = multiaddr(b.address)
    .getComponents()
    .find(({ name }) => name === 'tcp')?.value
  const closed: number[] = []
  const sockets: WebSocket[] = []
  try {
    for (let i = 0; i < PENDING.perPrefix + 20; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { localAddress: '127.0.1.1' })
      sockets.push(socket.on('error', () => undefined).on('close', () => closed.push(i)))
      await new Promise((resolve) => socket.once('open', resolve))
    }
    await waitUntil(() => closed.length === 20, { what: '20 sockets to be cut' })
    assert.equal(await a.mesh.connect(b.address), b.mesh.peer)
    assert.deepEqual(
      [...closed].sort((x, y) => x - y),
      Array.from({ length: 20 }, (_, i) => i),
    )
  } finally {
    for (const socket of sockets) socket.terminate()
    await Promise.all([a.close(), b.close()])
  }
})
