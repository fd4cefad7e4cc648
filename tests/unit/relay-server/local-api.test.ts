/** The local API over a real socket: who gets in, what is refused, what a caller without a relay hears. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createLocalClient } from '../../../relay-server/local-api/client.ts'
import { MAX_EVENTS_WAITING, MAX_REQUEST } from '../../../relay-server/local-api/limits.ts'
import { createLines } from '../../../relay-server/local-api/lines.ts'
import { LOCAL_HOST, type LocalApiParts, type LocalEvent, localPaths, type StatusAnswer } from '../../../relay-server/local-api/protocol.ts'
import { MESHES_REQUESTS, parseMeshesRequest, parseRequest, REQUESTS, type RequestOf } from '../../../relay-server/local-api/requests.ts'
import { type LocalApi, startLocalApi } from '../../../relay-server/local-api/server.ts'
import { isMeshesCall, type MeshesCall } from '../../../src/core/meshes-calls.ts'
import { toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'
import { startTwo } from '../../support/test-mesh.ts'
import { waitUntil } from '../../support/wait.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const dir = mkdtempSync(join(tmpdir(), 'dmesh-local-'))
const asked: (RequestOf<'ping'> | RequestOf<'log'>)[] = []
let aborted = 0
let api: LocalApi

const two = await startTwo()

const parts: LocalApiParts = {
  mesh: two.a.mesh,
  petnames: async () => ({ [PEER]: 'Ben' }),
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
  await two.close()
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
  assert.match((await raw('/ping', { method: 'POST', body: 'x'.repeat(MAX_REQUEST + 1) })).text, /FRAME_TOO_LARGE/)
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

test('events() gives the snapshot, then what happens, and ends with its signal', async () => {
  const client = createLocalClient(dir)
  const stop = new AbortController()
  const seen: LocalEvent[] = []
  const reading = (async () => {
    for await (const event of client.events(stop.signal)) seen.push(event)
  })()
  await waitUntil(() => seen[0], { what: 'the snapshot' })
  assert.equal(seen[0]?.type === 'statechange' && seen[0].detail.peer, two.a.mesh.peer)
  await two.b.mesh.send(two.a.mesh.peer, 'chat', 'hello')
  const message = await waitUntil(() => seen.find((event) => event.type === 'message'), { what: 'the message' })
  assert.deepEqual(message.type === 'message' && [message.detail.peer, message.detail.text], [two.b.mesh.peer, 'hello'])
  stop.abort()
  await assert.rejects(reading, (error) => codeOf(error) === 'ABORTED')
})

test('the calls of a mesh go through: state, send, rename, why, names', async () => {
  const client = createLocalClient(dir)
  assert.equal((await client.state()).peer, two.a.mesh.peer)
  assert.deepEqual(await client.names(), { [PEER]: 'Ben' })
  const id = await client.send(two.b.mesh.peer, 'chat', 'good day')
  await waitUntil(() => two.b.mesh.state.messages.some((one) => one.text === 'good day'), { what: 'it to arrive' })
  await waitUntil(async () => (await client.state()).messages.some((one) => one.id === id && one.status === 'delivered'), { what: 'the receipt' })
  await client.rename('Bert', two.b.mesh.peer)
  await waitUntil(() => two.a.mesh.peers.some(({ name }) => name === 'Bert'), { what: 'the petname' })
  assert.equal((await client.why(two.b.mesh.peer)).candidates[0]?.outcome, 'used')
  for (const body of [
    '{"peer":"PEER","topic":"chat"}',
    '{"peer":"PEER","topic":"chat","text":"a","data":"YQ"}',
    '{"peer":"PEER","topic":"chat","data":"YQ="}',
  ])
    assert.match((await raw('/send', { method: 'POST', body: body.replace('PEER', two.b.mesh.peer) })).text, /BAD_ARGUMENT/)
  await assert.rejects(client.meshes.join('nothing'), (error) => codeOf(error) === 'NOT_SUPPORTED')
  await assert.rejects(client.files.offer({ peer: two.b.mesh.peer, path: join(dir, 'none') }), (error) => codeOf(error) === 'SOURCE_CHANGED')
  assert.match((await raw('/files/offer', { method: 'POST', body: `{"peer":"${PEER}","path":"here.txt"}` })).text, /path must be an absolute path/)
})

test('publish and subscribe go through, with the author', async () => {
  const client = createLocalClient(dir)
  const stop = new AbortController()
  const lines: string[] = []
  const reading = (async () => {
    for await (const line of client.subscribe({ topic: 'weather' }, stop.signal))
      lines.push(line.type === 'publication' ? `${line.detail.text}` : line.type)
  })()
  await waitUntil(() => lines[0] === 'joined', { what: 'the topic' })
  const stopThere = new AbortController()
  const there: string[] = []
  await two.b.mesh.subscribe('weather', ({ data }) => void there.push(new TextDecoder().decode(data)), { signal: stopThere.signal })
  await waitUntil(
    async () => {
      await two.b.mesh.publish('weather', 'rain')
      await client.publish('weather', toUtf8('sun'))
      return lines.includes('rain') && there.includes('sun')
    },
    { what: 'both to hear it' },
  )
  stop.abort()
  stopThere.abort()
  await assert.rejects(reading, (error) => codeOf(error) === 'ABORTED')
})

test('createLines() cuts off a reader who is too far behind', async () => {
  const lines = createLines(new AbortController().signal)
  for (let i = 0; i <= MAX_EVENTS_WAITING; i++) lines.push(() => i)
  await assert.rejects(
    async () => {
      for await (const line of lines) assert.fail(`a line: ${line}`)
    },
    (error) => codeOf(error) === 'LIMIT_REACHED',
  )
})

test('parseRequest() and parseMeshesRequest() give a request or BAD_ARGUMENT, for any value', () => {
  const near = fc.record(
    {
      peer: fc.oneof(fc.constant(PEER), fc.jsonValue()),
      subsystem: fc.oneof(fc.constantFrom('*', 'relay'), fc.string()),
      level: fc.oneof(fc.constantFrom('debug', 'off'), fc.jsonValue()),
      path: fc.oneof(fc.constantFrom('/tmp/x', '../x', '/a\u0000b'), fc.jsonValue()),
      topic: fc.oneof(fc.constant('chat'), fc.jsonValue()),
      text: fc.jsonValue(),
      id: fc.jsonValue(),
      args: fc.array(fc.oneof(fc.constant(PEER), fc.jsonValue()), { maxLength: 3 }),
      ['__proto__']: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const kinds = Object.keys(REQUESTS) as (keyof typeof REQUESTS)[]
  const calls = Object.keys(MESHES_REQUESTS) as MeshesCall[]
  assert.ok(calls.every(isMeshesCall))
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue(), fc.anything()), fc.constantFrom(...kinds), fc.constantFrom(...calls), (value, kind, call) => {
      valueOrCode(() => parseRequest(kind, value), ['BAD_ARGUMENT'])
      valueOrCode(() => parseMeshesRequest(call, value), ['BAD_ARGUMENT'])
      const ping = valueOrCode(() => parseRequest('ping', value), ['BAD_ARGUMENT'])
      assert.ok(!ping || /^[A-Za-z0-9]{20,128}$/.test(ping.peer))
      const offer = valueOrCode(() => parseRequest('offer', value), ['BAD_ARGUMENT'])
      assert.ok(!offer || (offer.path.startsWith('/') && !offer.path.includes('\0')))
    }),
    { numRuns: FUZZ_RUNS },
  )
})
