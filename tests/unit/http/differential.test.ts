/** Our parser beside that of Node.js (llhttp) on the same bytes: a request that ours takes is one that the other takes too, with the same words and the same body. Whatever ours alone would take could be smuggled past a proxy. */
import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { latin1Bytes } from '../../../src/protocols/http/wire.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'
import { readByNode, readByOurs } from './messages.ts'

const FIELDS = [
  'Host: a',
  'host: b',
  'Content-Length: 3',
  'Content-Length: 0',
  'content-length: 3, 3',
  'Content-Length: +3',
  'Content-Length: 3 ',
  'Content-Length : 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'transfer-encoding: gzip, chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding : chunked',
  'X: y',
  'X:',
  ' folded',
  '\tfolded',
  'X: \u00e9',
  'X: a\rb',
  'X: a\0b',
  'no colon',
  ': no name',
  'Connection: close',
  'Connection: keep-alive',
  'X-Long: '.padEnd(300, 'x'),
]
const BODIES = [
  '',
  'abc',
  'abcGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n',
  '0\r\n\r\n',
  '03\r\nabc\r\n0\r\n\r\n',
  '+3\r\nabc\r\n0\r\n\r\n',
  '0x3\r\nabc\r\n0\r\n\r\n',
  '4\r\nabc\r\n0\r\n\r\n',
  '3\nabc\n0\n\n',
  'FFFFFFFFFFFFFFFFF\r\nabc',
  '3 \r\nabc\r\n0\r\n\r\n',
]

const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        fc.constantFrom('/', '/a?b', '*', '/a b', 'http://a/', '/\u00e9'),
        fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1'),
      )
      .map((parts) => parts.join(' ')),
  },
  { weight: 1, arbitrary: fc.constantFrom('GET  / HTTP/1.1', 'GET / HTTP/1.1\r', ' GET / HTTP/1.1', 'GET /', 'GET\t/ HTTP/1.1') },
)
const end = fc.oneof({ weight: 12, arbitrary: fc.constant('\r\n') }, { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n') })
const message = fc
  .tuple(line, fc.array(fc.constantFrom(...FIELDS), { maxLength: 4 }), end, fc.constantFrom(...BODIES), fc.boolean())
  .map(([first, fields, eol, body, host]) => [first, ...(host ? ['Host: a'] : []), ...fields, '', ''].join(eol) + body)
const right = fc.constantFrom(
  'GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
  'PUT / HTTP/1.1\r\nHost: a\r\nX: \u00e9 \tz\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n',
  '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
)
const stream = fc.array(fc.oneof(message, right), { minLength: 1, maxLength: 3 }).map((all) => all.join(''))

test('what ours takes as a request, Node.js takes as the same one', async () => {
  let taken = 0
  const property = fc.asyncProperty(stream, fc.integer({ min: 1, max: 50 }), async (text, step) => {
    const bytes = latin1Bytes(text)
    const [ours, theirs] = await Promise.all([readByOurs(bytes, step), readByNode(bytes)])
    // Any token is a method (RFC 9110 §9.1); llhttp knows a list, and says no to others.
    const unknown = ours.requests.findIndex((request) => !METHODS.includes(JSON.parse(request)[0]))
    const known = unknown < 0 ? ours.requests : ours.requests.slice(0, unknown)
    assert.deepEqual(known, theirs.requests.slice(0, known.length), `ours ended with ${ours.end}, theirs with ${theirs.end}`)
    taken += known.length
  })
  await fc.assert(property, { numRuns: Math.ceil(FUZZ_RUNS / 4) })
  assert.ok(taken > FUZZ_RUNS / 40, `only ${taken} requests were taken: the generator makes too little that is right`)
})

test('any bytes are read the same in any pieces', async () => {
  const input = fc.oneof(fc.uint8Array({ maxLength: 300 }), stream.map(latin1Bytes))
  const property = fc.asyncProperty(input, fc.integer({ min: 1, max: 7 }), async (bytes, step) => {
    assert.deepEqual(await readByOurs(bytes, step), await readByOurs(bytes))
  })
  await fc.assert(property, { numRuns: Math.ceil(FUZZ_RUNS / 4) })
})
