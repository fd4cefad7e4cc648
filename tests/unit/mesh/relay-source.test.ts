/** Asking a relay's origin for its dmesh.json, over real HTTP: what it answers wrongly gets a code, and what it sends without end is not held. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { MAX_SITE_CONFIG } from '../../../src/core/site-config.ts'
import { createRelaySource } from '../../../src/mesh/relay-source.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const SITE = { v: 1, peer: PEER, version: '0', build: 'b', name: 'Höme', addresses: [], stun: [], quotas: { circuits: 2 }, lobby: true }

async function ask(answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    return await createRelaySource(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).resolve(AbortSignal.timeout(10_000))
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}

test('resolve() gives peer, host, addresses and quotas, however the bytes are cut', async () => {
  const bytes = Buffer.from(JSON.stringify(SITE))
  const found = await ask((_, response) => {
    response.write(bytes.subarray(0, bytes.indexOf('ö') + 1), () => response.end(bytes.subarray(bytes.indexOf('ö') + 1)))
  })
  assert.deepEqual(found, { peer: PEER, name: '127.0.0.1', addresses: [], quotas: { circuits: 2 } })
})

test('resolve() stops reading above the cap', async () => {
  let sent = 0
  const gone = Promise.withResolvers<void>()
  const answer: RequestListener = (_, response) => {
    response.on('close', gone.resolve)
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(16_384))) sent += 16_384
    }
    response.on('drain', more)
    more()
  }
  await assert.rejects(ask(answer), { code: 'BAD_CONFIG', message: /more than 65536 bytes/ })
  await gone.promise
  assert.ok(sent < 64 * MAX_SITE_CONFIG, `${sent} bytes were taken`)
})

test('resolve() says what is wrong with an answer', async () => {
  const cases: readonly (readonly [RequestListener, string])[] = [
    [(_, response) => response.end('<html>'), 'BAD_CONFIG'],
    [(_, response) => response.end(), 'BAD_CONFIG'],
    [(_, response) => response.writeHead(404).end(JSON.stringify(SITE)), 'RELAY_UNREACHABLE'],
    [(_, response) => response.writeHead(302, { location: '/else' }).end(), 'RELAY_UNREACHABLE'],
    [(_, response) => response.end(JSON.stringify({ ...SITE, v: 2 })), 'UNKNOWN_VERSION'],
    [(_, response) => response.end('{}'), 'BAD_RECORD'],
  ]
  for (const [answer, code] of cases) await assert.rejects(ask(answer), { code })
})

test('an early question is asked at once and answers the first resolve() only; a failed one costs nothing', async () => {
  let asked = 0
  const get: typeof fetch = async () => {
    asked++
    if (asked === 3) throw new TypeError('no network yet')
    return new Response(JSON.stringify(SITE))
  }
  const signal = AbortSignal.timeout(10_000)
  const source = createRelaySource('http://127.0.0.1:1', { early: true, fetch: get })
  assert.equal(asked, 1)
  await source.resolve(signal)
  assert.equal(asked, 1)
  await source.resolve(signal)
  assert.equal(asked, 2)
  const unlucky = createRelaySource('http://127.0.0.1:1', { early: true, fetch: get })
  assert.equal((await unlucky.resolve(signal)).peer, PEER)
  assert.equal(asked, 4)
})
