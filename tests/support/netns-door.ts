/** A program to run inside a namespace: hands each connection to a Unix socket on to a port of this namespace's loopback. `node netns-door.ts SOCKET PORT` prints `ready`. */
import { connect, createServer } from 'node:net'

const [path = '', port] = process.argv.slice(2)

const server = createServer((outer) => {
  const inner = connect(Number(port), '127.0.0.1')
  for (const socket of [outer, inner]) socket.on('error', () => socket.destroy())
  outer.pipe(inner).pipe(outer)
  outer.once('close', () => inner.destroy())
  inner.once('close', () => outer.destroy())
})
server.listen(path, () => process.stdout.write('ready\n'))
