/** The server's side of a stream: what is wrong gets its status and the stream ends, what is right is answered in order, and nothing is taken for what it is not. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { ServeHandler } from '../../../src/core/http.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import { MAX_FIELDS, MAX_HEAD, MAX_TARGET, MAX_UNREAD } from '../../../src/protocols/http/limits.ts'
import { createServe } from '../../../src/protocols/http/server.ts'
import { latin1Bytes } from '../../../src/protocols/http/wire.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { readAll } from '../../contract/stream-bytes.ts'
import { createStreamPair } from '../../support/stream-pair.ts'

const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
const HOST = 'Host: a\r\n'

/** Opens a stream to a served handler. */
async function connect(fetch: ServeHandler['fetch'], clock: Clock = systemClock()): Promise<PeerStream> {
  let serve: ((stream: PeerStream) => void | Promise<void>) | undefined
  const ground = {
    peer: PEER,
    open: () => Promise.reject(new Error('not asked')),
    handle: async (_: string, given: typeof serve) => void (serve = given),
  }
  await createServe({ ...ground, clock, log: silentLog() })({ fetch })
  const { a, b } = createStreamPair({ peers: [PEER, PEER] })
  const run = async () => serve?.(b)
  run().catch((error: unknown) => b.abort(error))
  return a
}

/** Everything that is answered to these bytes, with the dates left out. `half`: say that nothing more will come. */
async function said(text: string, fetch: ServeHandler['fetch'] = echo, half = true): Promise<string> {
  const stream = await connect(fetch)
  const writer = stream.writable.getWriter()
  const writing = writer.write(latin1Bytes(text)).then(() => (half ? writer.close() : undefined))
  writing.catch(() => undefined)
  const answer = new TextDecoder('latin1').decode(await readAll(stream))
  return answer.replace(/Date: [^\r]*\r\n/gi, '')
}

/** Timers a hundred times faster. */
function fastClock(): Clock {
  const real = systemClock()
  return { now: real.now, monotonic: real.monotonic, after: (ms, task) => real.after(ms / 100, task) }
}

const echo: ServeHandler['fetch'] = async (request) => new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`)
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

const WRONG: readonly [status: number, what: string, request: string][] = [
  [400, 'Content-Length beside Transfer-Encoding', `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  [400, 'two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  [400, 'a list of lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 3, 3\r\n\r\nabc`],
  [400, 'a signed length', `POST / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`],
  [400, 'a length too long for a number', `POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\n`],
  [400, 'Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  [501, 'another transfer coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [501, 'two transfer codings', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
  [400, 'a bare CR in a value', `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`],
  [400, 'a NUL in a value', `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
  [400, 'a bare LF', `GET / HTTP/1.1\r\n${HOST}X: a\nY: b\r\n\r\n`],
  [400, 'obsolete folding', `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`],
  [400, 'space before a colon', `GET / HTTP/1.1\r\n${HOST}X : a\r\n\r\n`],
  [400, 'two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  [400, 'no Host', 'GET / HTTP/1.1\r\n\r\n'],
  [400, 'a field without a name', `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`],
  [400, 'a target with a space', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
  [400, 'a target of nobody', `GET nothing HTTP/1.1\r\n${HOST}\r\n`],
  [400, 'a Host that is none', 'GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n'],
  [505, 'HTTP/2', `GET / HTTP/2.0\r\n${HOST}\r\n`],
  [501, 'CONNECT', `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`],
  [501, 'TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`],
  [414, 'a long target', `GET /${'a'.repeat(MAX_TARGET)} HTTP/1.1\r\n${HOST}\r\n`],
  [431, 'a huge field', `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(MAX_HEAD)}\r\n\r\n`],
  [431, '10,000 fields', `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(10_000)}\r\n`],
  [431, 'one field too many', `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(MAX_FIELDS)}\r\n`],
]

describe('a wrong request', () => {
  for (const [status, what, request] of WRONG) {
    it(`with ${what} gets ${status}, and the stream ends`, async () => {
      let asked = 0
      const answer = await said(`${request}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`, () => new Response(String(asked++)))
      assert.equal(statusOf(answer), status, answer.slice(0, 200))
      assert.match(answer, /connection: close/i)
      assert.equal(answer.match(/^HTTP\/1\.1 \d/gm)?.length, 1, 'one answer')
      assert.equal(asked, 0, 'no handler ran')
    })
  }

  for (const [what, chunks] of [
    ['a size that is none', 'x\r\nabc\r\n0\r\n\r\n'],
    ['a size above 2^48', 'fffffffffffff\r\nabc'],
    ['more data than its size', '2\r\nabc\r\n0\r\n\r\n'],
    ['a trailer that is none', '3\r\nabc\r\n0\r\nno colon\r\n\r\n'],
    ['a signed size', '-3\r\nabc\r\n0\r\n\r\n'],
  ] as const) {
    it(`with a chunk of ${what} gets 400 when its body is read`, async () => {
      const answer = await said(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}`)
      assert.equal(statusOf(answer), 400, answer.slice(0, 200))
    })
  }
})

test('requests on one stream are answered in order, whatever their bodies', async () => {
  const answer = await said(
    `GET /1 HTTP/1.1\r\n${HOST}\r\nPOST /2 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcPOST /3 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\nT: v\r\n\r\nGET /4 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET /5 HTTP/1.1\r\n${HOST}\r\n`,
  )
  assert.deepEqual(answer.match(/(GET|POST) \/\d [a-z]*/g), ['GET /1 ', 'POST /2 abc', 'POST /3 def', 'GET /4 '])
})

test('a body that the handler leaves is read away, and a long one ends the stream', async () => {
  const handler = () => new Response('done')
  const short = await said(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n${HOST}\r\n`, handler)
  assert.equal(short.match(/HTTP\/1\.1 200/g)?.length, 2)
  const long = await said(
    `POST / HTTP/1.1\r\n${HOST}Content-Length: ${2 * MAX_UNREAD}\r\n\r\n${'x'.repeat(2 * MAX_UNREAD)}GET / HTTP/1.1\r\n${HOST}\r\n`,
    handler,
  )
  assert.equal(long.match(/HTTP\/1\.1 200/g)?.length, 1)
})

test('who expects a go-ahead gets it when the handler reads, and not otherwise', async () => {
  const request = `POST /x HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`
  assert.match(await said(request), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  assert.match(await said(request, () => new Response('no', { status: 403 })), /^HTTP\/1\.1 403 /)
})

test('HTTP/1.0 gets a body that ends with the stream', async () => {
  const answer = await said('GET /old HTTP/1.0\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 200 [^\r]*\r\n/)
  assert.doesNotMatch(answer, /transfer-encoding/i)
  assert.ok(answer.endsWith('\r\n\r\nGET /old '), answer)
})

test('HEAD, 204 and 304 have no content, whatever the handler gives', async () => {
  assert.match(
    await said(`HEAD / HTTP/1.1\r\n${HOST}\r\n`, () => new Response('12345', { headers: { 'content-length': '5' } })),
    /content-length: 5\r\n(?:[^\r]+\r\n)*\r\n$/i,
  )
  assert.ok((await said(`GET / HTTP/1.1\r\n${HOST}\r\n`, () => new Response(null, { status: 304, headers: { etag: '"x"' } }))).endsWith('\r\n\r\n'))
})

test('a body of another length than promised breaks off instead of being read as the next answer', async () => {
  const stream = await connect(() => new Response('12345', { headers: { 'content-length': '3' } }))
  const writer = stream.writable.getWriter()
  await writer.write(latin1Bytes(`GET / HTTP/1.1\r\n${HOST}\r\n`))
  await assert.rejects(readAll(stream))
})

test('a request that never ends its head gets 408', async () => {
  const stream = await connect(echo, fastClock())
  await stream.writable.getWriter().write(latin1Bytes(`GET / HTTP/1.1\r\n${HOST}`))
  assert.equal(statusOf(new TextDecoder().decode(await readAll(stream))), 408)
})

test('a client that never sends the rest of what was answered, or never ends, is let go', async () => {
  for (const request of [
    `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n`,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\nabc`,
    `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  ]) {
    const stream = await connect(() => new Response('done'), fastClock())
    const writer = stream.writable.getWriter()
    await writer.write(latin1Bytes(request))
    assert.match(new TextDecoder().decode(await readAll(stream)), /^HTTP\/1\.1 200 [\s\S]*done/)
    // Our side stays open: the server gives the stream up by itself.
    await assert.rejects(writer.closed)
  }
})
