/** A WebSocket connection puts into one message what is sent at once: each message costs both ends, whatever is in it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, it } from 'node:test'
import type { Logger, MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { type WebSocket, WebSocketServer } from 'ws'
import { createConnection } from '../../../src/transports/websocket/connection.ts'
import { MAX_BATCH } from '../../../src/transports/websocket/limits.ts'
import { openNodeSocket } from '../../../src/transports/websocket/listener.node.ts'
import { waitUntil } from '../../support/wait.ts'

const log = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => log,
}) as unknown as Logger
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
before(() => once(server, 'listening'))
after(() => server.close())

/** A connection of ours, and the messages that arrive at the other end. */
async function pair(): Promise<{ connection: MultiaddrConnection; other: WebSocket; messages: Buffer[] }> {
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  const socket = openNodeSocket(`ws://127.0.0.1:${port}/`)
  const remoteAddr = multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`)
  const connection = createConnection({ socket, remoteAddr, direction: 'outbound', log })
  const [other] = await accepted
  const messages: Buffer[] = []
  other.on('message', (data: Buffer) => messages.push(data))
  await waitUntil(() => socket.readyState === 1, { what: 'the socket to open' })
  return { connection, other, messages }
}

const piece = (size: number, fill: number) => new Uint8Array(size).fill(fill)

it('the pieces of one frame, and frames sent in one go, arrive as one message', async () => {
  const { connection, messages } = await pair()
  connection.send(new Uint8ArrayList(piece(2, 1), piece(12, 2), piece(65_000, 3), piece(16, 4)))
  connection.send(piece(30, 5))
  await waitUntil(() => messages.length > 0, { what: 'a message' })
  connection.send(piece(1, 6))
  await waitUntil(() => messages.at(-1)?.[0] === 6, { what: 'the last message' })
  assert.deepEqual(
    messages.map(({ byteLength }) => byteLength),
    [65_060, 1],
  )
  assert.equal(Buffer.compare(messages[0] as Buffer, Buffer.concat([piece(2, 1), piece(12, 2), piece(65_000, 3), piece(16, 4), piece(30, 5)])), 0)
  await connection.close()
})

it('no message grows above MAX_BATCH by what is put together', async () => {
  const { connection, messages } = await pair()
  const size = 100_000
  for (let i = 0; i < 6; i++) connection.send(piece(size, i))
  await waitUntil(() => messages.reduce((sum, { byteLength }) => sum + byteLength, 0) === 6 * size, { what: 'all bytes' })
  assert.ok(messages.every(({ byteLength }) => byteLength <= MAX_BATCH))
  await connection.close()
})

it('close() sends what is still waiting, and a reset does not', async () => {
  const one = await pair()
  const closed = once(one.other, 'close')
  one.connection.send(piece(9, 9))
  await one.connection.close()
  await closed
  assert.deepEqual(one.messages, [Buffer.alloc(9, 9)])
  const two = await pair()
  const reset = once(two.other, 'close')
  two.connection.send(piece(9, 9))
  two.connection.abort(new Error('enough'))
  await reset
  assert.deepEqual(two.messages, [])
})
