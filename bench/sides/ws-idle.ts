/** The limit of B17: a bare `ws` server that does nothing with its sockets. Prints its port; answers 'held' with the bytes it holds. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { heldBytes } from './memory.ts'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket) => socket.on('message', () => undefined))
server.on('listening', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.on('message', () => process.send?.(heldBytes()))
process.on('disconnect', () => process.exit(0))
