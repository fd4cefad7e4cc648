/** fetch against a server that lies, stops, or answers early: an error with a code, never a body that looks whole, and nothing left open. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import { createFetch } from '../../../src/protocols/http/client.ts'
import { MAX_HEAD, MAX_INTERIM } from '../../../src/protocols/http/limits.ts'
import { latin1Bytes } from '../../../src/protocols/http/wire.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { createStreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'

const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
const URL_OF = `dmesh://${PEER}/`

/** A fetch whose every stream is answered by `serve`; `opened` = what was asked for, and the client's ends. */
function against(serve: (stream: PeerStream) => Promise<void>, clock: Clock = systemClock()) {
  const opened: string[] = []
  const ends: PeerStream[] = []
  const open = async (_: string, protocol: string) => {
    opened.push(protocol)
    const { a, b } = createStreamPair({ peers: ['me', PEER] })
    ends.push(a)
    serve(b).catch((error: unknown) => b.abort(error))
    return a
  }
  return { fetch: createFetch({ open, clock }), opened, ends }
}

/** Says this and ends its side. */
const saying = (text: string) => async (stream: PeerStream) => {
  const writer = stream.writable.getWriter()
  await writer.write(latin1Bytes(text))
  await writer.close()
}
const codeFrom = (promise: Promise<unknown>) => promise.then(() => 'nothing', codeOf)
const OK = 'HTTP/1.1 200 OK\r\n'

describe('an answer that is none', () => {
  for (const [code, what, text] of [
    ['PATH_LOST', 'nothing at all', ''],
    ['PATH_LOST', 'half a head', `${OK}X: y\r\n`],
    ['BAD_FRAME', 'no status line', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['BAD_FRAME', 'a status of its own', 'HTTP/1.1 999 \r\n\r\n'],
    ['BAD_FRAME', 'another protocol, unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['BAD_FRAME', 'interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(MAX_INTERIM + 1)],
    ['BAD_FRAME', 'a head above the cap', `${OK}X: ${'a'.repeat(MAX_HEAD)}\r\n\r\n`],
    ['BAD_FRAME', 'two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['BAD_FRAME', 'chunks beside a length', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ] as const) {
    it(`${what} is ${code}, and the stream is given up`, async () => {
      const { fetch, ends } = against(saying(text))
      assert.equal(await codeFrom(fetch(URL_OF)), code)
      await assert.rejects(ends[0]?.closed as Promise<void>)
    })
  }

  it('one that never comes is TIMEOUT', async () => {
    const real = systemClock()
    const fast: Clock = { now: real.now, monotonic: real.monotonic, after: (ms, task) => real.after(ms / 1000, task) }
    assert.equal(await codeFrom(against(() => new Promise(() => undefined), fast).fetch(URL_OF)), 'TIMEOUT')
  })
})

describe('a body that breaks off errors', () => {
  for (const [code, what, text] of [
    ['PATH_LOST', 'short of its length', `${OK}Content-Length: 10\r\n\r\nabc`],
    ['PATH_LOST', 'in the middle of a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`],
    ['PATH_LOST', 'before the last chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`],
    ['BAD_FRAME', 'with a chunk of no size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`],
  ] as const) {
    it(`${what}: ${code}`, async () => {
      const { fetch } = against(saying(text))
      const response = await fetch(URL_OF)
      assert.equal(response.status, 200)
      assert.equal(await codeFrom(response.text()), code)
    })
  }
})

test('what has no length of its own ends with the stream, and what is no content is not read as such', async () => {
  assert.equal(await (await against(saying('HTTP/1.0 200 OK\r\n\r\nall of it')).fetch(URL_OF)).text(), 'all of it')
  const early = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok`
  const response = await against(saying(early)).fetch(URL_OF)
  assert.deepEqual([await response.text(), response.headers.getSetCookie()], ['ok', ['a=1', 'b=2']])
  assert.equal(await (await against(saying('HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n')).fetch(URL_OF)).text(), '')
})

test('an answer before the whole request is taken, and what is still being sent is given up', async () => {
  let cancelled = false
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    cancel: () => void (cancelled = true),
  })
  const { fetch, ends } = against(saying('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!'))
  const response = await fetch(URL_OF, { method: 'POST', body: endless, duplex: 'half' } as RequestInit)
  assert.deepEqual([response.status, await response.text()], [413, 'no!'])
  await assert.rejects(ends[0]?.closed as Promise<void>)
  await waitUntil(() => cancelled, { what: 'the body to be given up' })
})

test('a body that fails is the error of its fetch', async () => {
  const failing = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => Promise.reject(new MeshError('SOURCE_CHANGED', 'gone')) })
  const { fetch, ends } = against(() => new Promise(() => undefined))
  assert.equal(await codeFrom(fetch(URL_OF, { method: 'POST', body: failing, duplex: 'half' } as RequestInit)), 'SOURCE_CHANGED')
  await assert.rejects(ends[0]?.closed as Promise<void>)
})

test('a reader that stops stops the server: no more is pulled than the stream holds', async () => {
  let written = 0
  const { fetch } = against(async (stream) => {
    const writer = stream.writable.getWriter()
    await writer.write(latin1Bytes('HTTP/1.0 200 OK\r\n\r\n'))
    for (;;) {
      await writer.write(new Uint8Array(16_384))
      written += 16_384
    }
  })
  const response = await fetch(URL_OF)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  let last = -1
  await waitUntil(
    () => {
      const still = written === last
      last = written
      return still
    },
    { every: 100, what: 'the server to stand still' },
  )
  assert.ok(written <= 512 * 1024, `${written} bytes for a reader of one piece`)
  await reader.cancel()
})

test('/http is asked for where the peer has no /http/1.1, a named service once', async () => {
  const asked: string[] = []
  const open = async (_: string, protocol: string): Promise<PeerStream> => {
    asked.push(protocol)
    if (protocol !== '/http') throw new MeshError('UNKNOWN_PROTOCOL', protocol)
    const { a, b } = createStreamPair()
    void saying(`${OK}Content-Length: 0\r\n\r\n`)(b)
    return a
  }
  const fetch = createFetch({ open, clock: systemClock() })
  assert.equal((await fetch(URL_OF)).status, 200)
  assert.equal(await codeFrom(fetch(`dmesh://${PEER}-photos/`)), 'UNKNOWN_PROTOCOL')
  assert.deepEqual(asked, ['/http/1.1', '/http', '/x/photos/http'])
})
