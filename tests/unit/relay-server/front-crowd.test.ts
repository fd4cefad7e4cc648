/** Sockets that connect and say nothing: one network gets its share of the front, and everybody else goes on. */
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { loadDist } from '../../../relay-server/front/dist-files.ts'
import { HTTP_SOCKETS } from '../../../relay-server/front/limits.ts'
import { type Front, startFront } from '../../../relay-server/front/server.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createDirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import { waitUntil } from '../../support/wait.ts'

const fronts: Front[] = []
const silent: Socket[] = []
after(async () => {
  for (const socket of silent) socket.destroy()
  await Promise.all(fronts.map((front) => front.close()))
})

async function open(trustProxy: readonly string[], tls?: { cert: string; key: string }): Promise<Front> {
  const front = await startFront({
    listen: { host: '0.0.0.0', port: 0 },
    trustProxy,
    tls,
    files: loadDist('/nowhere'),
    site: () => ({}),
    ready: () => true,
    clock: systemClock(),
    log: silentLog(),
    headersTimeout: 60_000,
  })
  fronts.push(front)
  return front
}

/** Sockets from one address of loopback; resolves with how many the front cut at once. */
async function flood(port: number, localAddress: string, count: number): Promise<{ closed(): number }> {
  let closed = 0
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.on('error', () => undefined).on('close', () => closed++)
    return socket
  })
  silent.push(...sockets)
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))))
  return { closed: () => closed }
}

function health(port: number, localAddress: string, secure = false): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const ask = secure ? httpsRequest : httpRequest
    const options = { host: '127.0.0.1', port, localAddress, path: '/healthz', agent: false, rejectUnauthorized: false }
    ask(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })
}

test('one network that says nothing holds its share of sockets, and answers come for it and for others', async () => {
  const front = await open([])
  const over = 40
  const crowd = await flood(front.port, '127.0.1.1', HTTP_SOCKETS.perPrefix + over)
  await waitUntil(() => crowd.closed() === over, { what: `${over} silent sockets cut` })
  assert.equal(await health(front.port, '127.0.2.2'), 200)
  assert.equal(await health(front.port, '127.0.1.9'), 200, 'the same network too')
  assert.ok(front.stats().sockets <= HTTP_SOCKETS.perPrefix + 2)
})

test('the same below TLS, where a silent socket has no handshake yet', async () => {
  const { certificate, privateKey } = createDirectCertificate()
  const front = await open([], { cert: certificate, key: privateKey })
  const crowd = await flood(front.port, '127.0.1.1', HTTP_SOCKETS.perPrefix + 10)
  await waitUntil(() => crowd.closed() === 10, { what: '10 silent sockets cut' })
  for (let i = 0; i < 3; i++) assert.equal(await health(front.port, '127.0.1.9', true), 200)
})

test('a trusted proxy, which speaks for everybody, is not cut', async () => {
  const front = await open(['127.0.1.0/24'])
  const crowd = await flood(front.port, '127.0.1.1', HTTP_SOCKETS.perPrefix + 10)
  assert.equal(await health(front.port, '127.0.1.1'), 200)
  assert.equal(crowd.closed(), 0)
})

test('the front knows the networks that asked it something, and forgets them', async () => {
  const front = await open([])
  assert.equal(front.hasSeen('127.0.3.77'), false)
  assert.equal(await health(front.port, '127.0.3.3'), 200)
  assert.equal(front.hasSeen('127.0.3.77'), true)
  assert.equal(front.hasSeen('127.0.4.1'), false)
})
