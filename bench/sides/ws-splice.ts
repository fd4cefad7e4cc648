/** The physical limit beside a relay: two WebSockets spliced frame by frame, no crypto, no muxer, with back-pressure. Prints its port. */
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

const HIGH = 1024 * 1024 // bytes the other side may hold before the source is paused
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
let waiting: WebSocket | undefined

server.on('connection', (socket) => {
  if (!waiting) {
    waiting = socket
    return
  }
  splice(waiting, socket)
  splice(socket, waiting)
  waiting.send('go')
  socket.send('go')
  waiting = undefined
})
server.on('listening', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))

function splice(from: WebSocket, to: WebSocket): void {
  from.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return
    to.send(data, () => {
      if (from.isPaused && to.bufferedAmount < HIGH) from.resume()
    })
    if (to.bufferedAmount > HIGH) from.pause()
  })
  from.on('close', () => to.close())
}
process.on('disconnect', () => process.exit(0))
