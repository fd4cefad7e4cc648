/** Requests that a proxy before us could read otherwise than we do (request smuggling, RFC 9112 §11.2): each is refused or answered once, and what follows it on the same socket is never taken for a request. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { loadDist } from '../../../relay-server/front/dist-files.ts'
import { MAX_HEADER_LINES } from '../../../relay-server/front/limits.ts'
import { type Front, startFront } from '../../../relay-server/front/server.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'

let front: Front
before(async () => {
  const quiet = { files: loadDist('/nowhere'), site: () => ({}), ready: () => true, clock: systemClock(), log: silentLog() }
  front = await startFront({ listen: { host: '127.0.0.1', port: 0 }, trustProxy: ['127.0.0.1'], ...quiet, headersTimeout: 1_000 })
})
after(() => front.close())

/** Status codes of all that comes back until the socket closes. */
function statuses(text: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(front.port, '127.0.0.1', () => socket.write(text, 'latin1'))
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('close', () => resolve([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code))))
    socket.on('error', reject)
  })
}

const HOST = 'Host: dmesh.localhost\r\n'
const SMUGGLED = `GET /healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`

const REFUSED: readonly (readonly [string, string, string?])[] = [
  ['both Content-Length and Transfer-Encoding', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nX'],
  ['two lengths that differ', 'Content-Length: 6\r\nContent-Length: 5\r\n'],
  ['a length with a sign', 'Content-Length: +6\r\n'],
  ['a negative length', 'Content-Length: -1\r\n'],
  ['a hexadecimal length', 'Content-Length: 0x6\r\n'],
  ['a length beyond all numbers', 'Content-Length: 99999999999999999999999\r\n'],
  ['lengths in a list', 'Content-Length: 6, 5\r\n'],
  ['an unknown encoding after chunked', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'],
  ['a chunk size that overflows', 'Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\n'],
  ['a chunk that ends early', 'Transfer-Encoding: chunked\r\n', '3\r\nabcdef\r\n0\r\n\r\n'],
  ['a space before the colon', 'Content-Length : 6\r\n'],
  ['a folded line', 'X-A: b\r\n Content-Length: 6\r\n'],
  ['a NUL in a value', 'X-A: b\0c\r\n'],
  ['two hosts', 'Host: evil.example\r\n'],
  ['the same host twice', HOST],
]

for (const [what, lines, body = ''] of REFUSED) {
  test(`${what}: nothing but a refusal, and nothing after it is read`, async () => {
    const codes = await statuses(`POST /healthz HTTP/1.1\r\n${HOST}${lines}\r\n${body}${SMUGGLED}`)
    assert.ok(!codes.includes(200), codes.join())
    assert.ok(codes.length <= 1 && codes.every((code) => code === 400 || code === 405), codes.join())
  })
}

test('what follows a body is not read as a request, in either encoding', async () => {
  assert.deepEqual(await statuses(`GET /healthz HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`), [200])
  const chunked = `GET /healthz HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`
  assert.deepEqual(await statuses(chunked), [200])
})

test('targets in another form than a path reach nothing', async () => {
  for (const target of ['http://dmesh.localhost/healthz', 'https://evil.example/healthz', '//evil.example/healthz', '*', 'dmesh.localhost:80']) {
    const codes = await statuses(`GET ${target} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    assert.ok(codes.length === 1 && [400, 404].includes(codes[0] as number), `${target}: ${codes}`)
  }
  assert.deepEqual(await statuses(`CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`), [])
})

test('the Host line decides, whatever else names a host', async () => {
  const ask = (lines: string) => statuses(`GET /healthz HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`)
  assert.deepEqual(await ask(`Host: evil.example\r\nX-Forwarded-Host: dmesh.localhost\r\nForwarded: host=dmesh.localhost\r\n`), [421])
  for (const host of [
    'dmesh.localhost:80:80',
    'dmesh.localhost/',
    'dmesh.localhost@evil.example',
    'dmesh.localhost evil',
    'dmesh.localhost\\',
    '[::1',
    '',
  ])
    assert.deepEqual(await ask(`Host: ${host}\r\n`), [421], host)
})

test('more header lines than we read are refused, not cut off before a line that matters', async () => {
  const many = Array.from({ length: MAX_HEADER_LINES }, (_, i) => `X-${i}: 1\r\n`).join('')
  assert.deepEqual(await statuses(`GET /healthz HTTP/1.1\r\n${HOST}${many}X-Forwarded-For: 8.8.8.8\r\n\r\n`), [431])
})

test('an upgrade with a doubtful head is refused too', async () => {
  const upgrade = `GET / HTTP/1.1\r\n${HOST}Host: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
  assert.deepEqual(await statuses(upgrade), [400])
})
