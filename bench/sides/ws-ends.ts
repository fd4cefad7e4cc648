/** The limit of B3: a bare WebSocket server that counts what comes at /up and sends 64 KiB messages without end at /down. Prints its origin; answers 'received' with the bytes so far. */
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

const HIGH = 1024 * 1024 // bytes unsent at which the sender waits
const CHUNK = Buffer.alloc(64 * 1024)
let received = 0

function pour(socket: WebSocket): void {
  while (socket.readyState === 1 && socket.bufferedAmount < HIGH) socket.send(CHUNK, () => queueMicrotask(() => pour(socket)))
}

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket, { url }) => {
  if (url === '/down') return pour(socket)
  socket.on('message', (data: Buffer) => {
    received += data.byteLength
  })
})
server.on('listening', () => process.stdout.write(`ws://127.0.0.1:${(server.address() as AddressInfo).port}\n`))
process.on('message', () => process.send?.(received))
process.on('disconnect', () => process.exit(0))
