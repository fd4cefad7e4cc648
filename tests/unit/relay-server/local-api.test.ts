/** The local API over a real socket: who gets in, what is refused, what a caller without a relay hears. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createLocalClient } from '../../../relay-server/local-api/client.ts'
import {
  LOCAL_HOST,
  type LocalApiParts,
  type LogRequest,
  localPaths,
  type PingRequest,
  parseLogRequest,
  parsePingRequest,
  type StatusAnswer,
} from '../../../relay-server/local-api/protocol.ts'
import { type LocalApi, startLocalApi } from '../../../relay-server/local-api/server.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'
import { waitUntil } from '../../support/wait.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const dir = mkdtempSync(join(tmpdir(), 'dmesh-local-'))
const asked: (PingRequest | LogRequest)[] = []
let aborted = 0
let api: LocalApi

const parts: LocalApiParts = {
  id: () => ({ ID: PEER, PublicKey: '', Addresses: [], AgentVersion: '', ProtocolVersion: '', Protocols: [] }),
  peers: () => [],
  status: () => ({ peer: PEER }) as StatusAnswer,
  ping(body, signal) {
    asked.push(body)
    if (body.peer === PEER) return Promise.reject(new MeshError('PEER_UNREACHABLE', 'nobody there'))
    return new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason), { once: true })).finally(() => aborted++) as never
  },
  setLevel(body) {
    asked.push(body)
    return { '*': body.level }
  },
}

before(async () => {
  api = await startLocalApi(dir, parts, silentLog())
})
after(async () => {
  await api.close()
  rmSync(dir, { recursive: true, force: true })
})

function raw(path: string, { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const { socket, token } = localPaths(dir)
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const all = { host: LOCAL_HOST, authorization: `Bearer ${readFileSync(token, 'utf8')}`, ...headers }
    const outgoing = request({ socketPath: socket, path, method, headers: all, agent: false }, (incoming) => {
      let text = ''
      incoming.on('data', (chunk) => (text += chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

test('startLocalApi keeps directory, socket and token to the owner', () => {
  const { dir: own, socket, token } = localPaths(dir)
  const mode = (path: string) => statSync(path).mode & 0o777
  assert.deepEqual([mode(own), mode(socket), mode(token)], [0o700, 0o600, 0o600])
  assert.ok(readFileSync(token, 'utf8').length >= 43)
})

test('the local API refuses a wrong token, a foreign host and any Origin', async () => {
  for (const headers of [{ authorization: 'Bearer wrong' }, { authorization: '' }, { host: 'localhost' }, { origin: 'http://localhost' }]) {
    const { status, text } = await raw('/id', { headers: headers as unknown as Record<string, string> })
    assert.equal(status, 403, JSON.stringify(headers))
    assert.match(text, /ACCESS_DENIED/)
  }
  assert.equal((await raw('/id')).status, 200)
})

test('the local API knows its requests and caps their bodies', async () => {
  assert.equal((await raw('/nothing')).status, 400)
  assert.match((await raw('/ping', { method: 'POST', body: 'x'.repeat(5000) })).text, /FRAME_TOO_LARGE/)
  assert.match((await raw('/ping', { method: 'POST', body: '{' })).text, /BAD_ARGUMENT/)
  assert.match((await raw('/ping', { method: 'POST', body: '{"peer":"../../etc"}' })).text, /peer must be a PeerID/)
  assert.match((await raw('/log', { method: 'POST', body: '{"subsystem":"A B","level":"info"}' })).text, /subsystem must be/)
})

test('createLocalClient hands codes through', async () => {
  const client = createLocalClient(dir)
  assert.equal((await client.id()).ID, PEER)
  await assert.rejects(client.ping({ peer: PEER }), (error) => codeOf(error) === 'PEER_UNREACHABLE' && (error as Error).message === 'nobody there')
  assert.deepEqual(await client.setLevel({ subsystem: 'relay', level: 'debug' }), { '*': 'debug' })
  assert.deepEqual(asked.at(-1), { subsystem: 'relay', level: 'debug' })
})

test('a caller that hangs up ends its request', async () => {
  const { socket, token } = localPaths(dir)
  const headers = { host: LOCAL_HOST, authorization: `Bearer ${readFileSync(token, 'utf8')}` }
  const outgoing = request({ socketPath: socket, path: '/ping', method: 'POST', headers, agent: false })
  outgoing.on('error', () => undefined)
  outgoing.end(JSON.stringify({ peer: `${PEER}x` }))
  await waitUntil(() => asked.some((one) => 'peer' in one && one.peer === `${PEER}x`), { what: 'the request to arrive' })
  outgoing.destroy()
  await waitUntil(() => aborted === 1, { what: 'the ping to be given up' })
})

test('createLocalClient says when nothing runs', async () => {
  await assert.rejects(
    createLocalClient(join(dir, 'none')).status(),
    (error) => codeOf(error) === 'NOT_RUNNING' && /Start one with/.test((error as Error).message),
  )
})

test('startLocalApi refuses a path that is too long for a socket', async () => {
  await assert.rejects(
    startLocalApi(join(dir, 'x'.repeat(120)), parts, silentLog()),
    (error) => codeOf(error) === 'BAD_CONFIG' && /shorter path/.test((error as Error).message),
  )
})

test('parsePingRequest() and parseLogRequest() give a request or BAD_ARGUMENT, for any value', () => {
  const near = fc.record(
    {
      peer: fc.oneof(fc.constant(PEER), fc.jsonValue()),
      subsystem: fc.oneof(fc.constantFrom('*', 'relay'), fc.string()),
      level: fc.oneof(fc.constantFrom('debug', 'off'), fc.jsonValue()),
      ['__proto__']: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue(), fc.anything()), (value) => {
      const ping = valueOrCode(() => parsePingRequest(value), ['BAD_ARGUMENT'])
      assert.ok(!ping || /^[A-Za-z0-9]{20,128}$/.test(ping.peer))
      const log = valueOrCode(() => parseLogRequest(value), ['BAD_ARGUMENT'])
      assert.ok(!log || (/^(\*|[a-z][a-z0-9-]{0,31})$/.test(log.subsystem) && ['debug', 'info', 'warn', 'error', 'off'].includes(log.level)))
    }),
    { numRuns: FUZZ_RUNS },
  )
})
