/** Sockets whose address is none that a multiaddr can hold: of clients that are gone before we look at them, and link-local ones with a zone. Neither may end the relay. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import type { CreateListenerOptions, MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { WebSocket } from 'ws'
import { loadDist } from '../../../relay-server/front/dist-files.ts'
import type { FrontOptions } from '../../../relay-server/front/options.ts'
import { startFront } from '../../../relay-server/front/server.ts'
import { defaultLogger } from '../../../src/mesh/without-logger.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createWebSocketDoor } from '../../../src/transports/websocket/listener.node.ts'
import { waitUntil } from '../../support/wait.ts'

/** Asks for a WebSocket and resets the connection before anybody accepted it. */
const CLIENT = `
const port = Number(process.argv[1])
const socket = require('node:net').connect(port, '127.0.0.1', () => {
  const head = ['GET / HTTP/1.1', 'Host: localhost:' + port, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
  socket.write(head.join('\\r\\n') + '\\r\\n\\r\\n', () => socket.resetAndDestroy())
})`

function optionsOf(trustProxy: readonly string[]): FrontOptions {
  const quiet = { files: loadDist('/nowhere'), site: () => ({}), ready: () => true, clock: systemClock(), log: silentLog() }
  return { listen: { host: '127.0.0.1', port: 0 }, trustProxy, ...quiet }
}

test('a WebSocket whose client was gone before it was accepted is not handed on, and the front goes on', async () => {
  const upgraded: string[] = []
  const front = await startFront({
    ...optionsOf([]),
    onUpgrade(_request, socket, _head, { address }) {
      upgraded.push(address)
      socket.destroy()
    },
  })
  try {
    // We stand still meanwhile, as a busy relay does.
    assert.equal(spawnSync(process.execPath, ['-e', CLIENT, String(front.port)]).status, 0)
    assert.equal((await fetch(`http://127.0.0.1:${front.port}/healthz`)).status, 200)
    await waitUntil(() => front.stats().sockets <= 1, { what: 'the socket to be gone' })
    assert.deepEqual(upgraded, [])
  } finally {
    await front.close()
  }
})

test('a link-local address with a zone gets its WebSocket', async () => {
  const door = createWebSocketDoor(() => [])
  const came: string[] = []
  const upgrader = { upgradeInbound: async ({ remoteAddr }: MultiaddrConnection) => void came.push(remoteAddr.toString()) }
  const listener = door.createListener({ upgrader } as unknown as CreateListenerOptions, defaultLogger())
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0/ws'))
  const front = await startFront({ ...optionsOf(['127.0.0.1']), onUpgrade: door.accept })
  const socket = new WebSocket(`ws://localhost:${front.port}/`, { headers: { 'x-forwarded-for': 'fe80::1%eth0' } })
  try {
    await once(socket, 'open')
    await waitUntil(() => came.length > 0, { what: 'the connection' })
    assert.deepEqual(came, ['/ip6/fe80::1/tcp/0/ws'])
  } finally {
    socket.terminate()
    await listener.close()
    await front.close()
  }
})
