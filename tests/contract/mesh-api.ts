/** Contract of the Mesh interface (design §4) as a list of cases, so that the same code runs against a mesh in Node.js, in a worker and behind the bridge in a page. Uses web platform APIs alone. */
import type { Mesh } from '../../src/core/mesh.ts'
import { waitForStandstill } from '../support/wait.ts'
import { check, codeFrom, DEADLINE, equal, type MeshCase, type MeshContext, until, within } from './mesh-checks.ts'
import { FILE_CASES } from './mesh-files.ts'
import { FIND_CASES } from './mesh-find.ts'
import { HTTP_CASES } from './mesh-http.ts'
import { MESSAGE_CASES } from './mesh-messages.ts'
import { readAll, sha256, writeAll } from './stream-bytes.ts'

const MIB = 1024 * 1024

/** In this order; `close` is last because it ends `a`. */
export const MESH_CASES: readonly MeshCase[] = [
  { name: 'peer, vip and state name the same identity', run: identity },
  { name: 'open() carries 1 MiB there and back, equal by SHA-256', run: echo },
  { name: 'close() of a writable is a half-close', run: halfClose },
  { name: 'abort() by the opener resets the handler', run: abortByOpener },
  { name: 'abort() by the handler resets the opener', run: abortByHandler },
  { name: 'handle() ends with its signal, then open() fails with UNKNOWN_PROTOCOL', run: unregister },
  { name: 'open() fails with UNKNOWN_PROTOCOL when nobody handles it', run: absent },
  { name: 'open() of a handler for nobody fails with ACCESS_DENIED', run: denied },
  { name: 'open() fails with ABORTED when its signal fired', run: aborted },
  { name: 'open() of a peer that is nowhere fails with PEER_UNREACHABLE or TIMEOUT', run: unreachable },
  { name: 'a handler that throws resets the stream', run: throwing },
  { name: 'a slow reader slows the writer', run: backPressure },
  { name: 'a chunk is its writer’s again once write() has settled', run: reuse },
  ...MESSAGE_CASES,
  ...FILE_CASES,
  ...HTTP_CASES,
  { name: 'listeners end with their signal and see statechange', run: events },
  { name: 'why() gives the path in use first', run: why },
  { name: 'relays take origins alone', run: relays },
  { name: 'policy rows can be put, read and removed', run: policy },
  { name: 'a grant opens, explain says why, and revoking cuts the stream that lives by it', run: grants },
  ...FIND_CASES,
  { name: 'ping() gives milliseconds', run: ping },
  { name: 'close() ends streams and refuses new ones', run: close },
]

async function identity({ a, b }: MeshContext): Promise<void> {
  equal(a.state.peer, a.peer, 'state.peer')
  equal(a.state.vip, a.vip, 'state.vip')
  check(/^12D3Koo/.test(a.peer), `PeerID ${a.peer}`)
  check(a.peer !== b.peer, 'two meshes have two keys')
  equal(a.state.names.peerId, a.peer, 'names.peerId')
}

async function echo({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-echo/1.0.0', (stream) => stream.readable.pipeTo(stream.writable))
  const stream = await a.open(b.peer, '/x/contract-echo/1.0.0')
  equal(stream.peer, b.peer, 'stream.peer')
  equal(stream.protocol, '/x/contract-echo/1.0.0', 'stream.protocol')
  const sent = new Uint8Array(MIB)
  for (let at = 0; at < MIB; at += 65_536) crypto.getRandomValues(sent.subarray(at, at + 65_536))
  const writing = writeAll(stream, sent)
  const got = await readAll(stream)
  await writing
  await within(stream.closed, 'closed')
  equal(await sha256(got), await sha256(sent), 'SHA-256')
}

async function halfClose({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-half/1.0.0', async (stream) => {
    const got = await readAll(stream)
    await writeAll(stream, new TextEncoder().encode(`${got.byteLength} bytes`))
  })
  const stream = await a.open(b.peer, '/x/contract-half/1.0.0')
  await writeAll(stream, new Uint8Array(100))
  equal(new TextDecoder().decode(await readAll(stream)), '100 bytes', 'what comes after the half-close')
  await within(stream.closed, 'closed')
}

async function abortByOpener({ a, b }: MeshContext): Promise<void> {
  const seen = Promise.withResolvers<string>()
  await b.handle('/x/contract-abort-a/1.0.0', async (stream) => {
    seen.resolve(await codeFrom(readAll(stream)))
  })
  const stream = await a.open(b.peer, '/x/contract-abort-a/1.0.0')
  await stream.writable.getWriter().write(new Uint8Array(10))
  stream.abort()
  stream.abort()
  check(['STREAM_RESET', 'PATH_LOST'].includes(await within(seen.promise, 'the reset')), 'the handler sees a reset')
  equal(await codeFrom(stream.closed), 'ABORTED', 'closed of the aborted stream')
}

async function abortByHandler({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-abort-b/1.0.0', async (stream) => {
    await stream.readable.getReader().read()
    stream.abort()
  })
  const stream = await a.open(b.peer, '/x/contract-abort-b/1.0.0')
  await stream.writable.getWriter().write(new Uint8Array(10))
  equal(await codeFrom(readAll(stream)), 'STREAM_RESET', 'reading')
  equal(await codeFrom(stream.closed), 'STREAM_RESET', 'closed')
}

async function unregister({ a, b }: MeshContext): Promise<void> {
  const stop = new AbortController()
  await b.handle('/x/contract-stop/1.0.0', (stream) => stream.readable.pipeTo(stream.writable), { signal: stop.signal })
  const stream = await a.open(b.peer, '/x/contract-stop/1.0.0')
  await writeAll(stream, new Uint8Array(1))
  equal((await readAll(stream)).byteLength, 1, 'the echo')
  stop.abort()
  await until(async () => (await codeOfOpen(a, b.peer, '/x/contract-stop/1.0.0')) === 'UNKNOWN_PROTOCOL', 'the handler to be gone')
}

async function absent({ a, b }: MeshContext): Promise<void> {
  equal(await codeOfOpen(a, b.peer, '/x/contract-nobody/1.0.0'), 'UNKNOWN_PROTOCOL', 'code')
}

async function denied({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-denied/1.0.0', (stream) => stream.abort(), { allow: 'nobody' })
  equal(await codeOfOpen(a, b.peer, '/x/contract-denied/1.0.0'), 'ACCESS_DENIED', 'code')
}

async function aborted({ a, b }: MeshContext): Promise<void> {
  equal(await codeFrom(a.open(b.peer, '/x/contract-echo/1.0.0', { signal: AbortSignal.abort() })), 'ABORTED', 'code')
}

async function unreachable({ a }: MeshContext): Promise<void> {
  const code = await codeFrom(
    a.open('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN', '/x/contract-echo/1.0.0', { signal: AbortSignal.timeout(2_000) }),
  )
  check(code === 'PEER_UNREACHABLE' || code === 'TIMEOUT', `code ${code}`)
}

async function throwing({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-throw/1.0.0', async () => {
    throw new RangeError('on purpose')
  })
  const stream = await a.open(b.peer, '/x/contract-throw/1.0.0')
  const code = await codeFrom(readAll(stream))
  check(code === 'STREAM_RESET' || code === 'INTERNAL', `code ${code}`)
}

async function backPressure({ a, b }: MeshContext): Promise<void> {
  const go = Promise.withResolvers<void>()
  const total = Promise.withResolvers<number>()
  await b.handle('/x/contract-slow/1.0.0', async (stream) => {
    await go.promise
    total.resolve((await readAll(stream)).byteLength)
  })
  const stream = await a.open(b.peer, '/x/contract-slow/1.0.0')
  let written = 0
  const writing = (async () => {
    const writer = stream.writable.getWriter()
    for (let i = 0; i < 384; i++) {
      await writer.write(new Uint8Array(65_536))
      written += 65_536
    }
    await writer.close()
  })()
  const stoppedAt = await waitForStandstill(
    () => written,
    () => a.ping(b.peer),
    { ms: DEADLINE, what: 'the writer to stop' },
  )
  go.resolve()
  check(stoppedAt <= 8 * MIB, `${stoppedAt} bytes were taken before the reader read`)
  await within(writing, 'the rest to be written')
  equal(await within(total.promise, 'the rest to arrive'), 384 * 65_536, 'bytes')
}

async function reuse({ a, b }: MeshContext): Promise<void> {
  const [count, size] = [256, 20_000]
  const wrong = Promise.withResolvers<number>()
  await b.handle('/x/contract-reuse/1.0.0', async (stream) => {
    let [at, bad] = [0, 0]
    for await (const chunk of stream.readable) {
      // A Buffer of Node.js is a Uint8Array too, but its slice() is no copy.
      if (chunk.constructor !== Uint8Array) bad++
      for (const byte of chunk) if (byte !== Math.floor(at++ / size)) bad++
    }
    wrong.resolve(bad + Math.abs(at - count * size))
  })
  const stream = await a.open(b.peer, '/x/contract-reuse/1.0.0')
  const writer = stream.writable.getWriter()
  const chunk = new Uint8Array(size)
  for (let i = 0; i < count; i++) await writer.write(chunk.fill(i))
  chunk.fill(255)
  await within(writer.close(), 'the half-close')
  equal(await within(wrong.promise, 'all bytes'), 0, 'bytes that changed after their write')
}

async function events({ a }: MeshContext): Promise<void> {
  const stop = new AbortController()
  const names: string[] = []
  a.addEventListener('statechange', ({ type, detail }) => names.push(`${type} ${detail.name}`), { signal: stop.signal })
  await a.rename('first name')
  await until(async () => names.includes('statechange first name'), 'the new name in an event')
  equal(a.state.name, 'first name', 'state.name')
  stop.abort()
  const before = names.length
  await a.rename('second name')
  await until(async () => a.state.name === 'second name', 'the new name in the state')
  equal(names.length, before, 'events after the signal')
}

async function why({ a, b }: MeshContext): Promise<void> {
  const { path, candidates } = await a.why(b.peer)
  const [first] = candidates
  // Direct between two machines in one process, relayed or direct in browsers.
  check(path === 'direct' || path === 'relayed', `the path to a peer that is connected: ${path}`)
  equal([first?.kind, first?.outcome].join(), `${path},used`, 'the first candidate')
  check(/\/(tcp|webrtc|webrtc-direct|p2p-circuit)\b/.test(first?.address ?? ''), `its address: ${first?.address}`)
  const nobody = await a.why('12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq')
  equal(nobody.path, 'away', 'a peer nobody knows')
  check(
    nobody.candidates.every(({ outcome }) => outcome === 'not tried'),
    'no way to it was tried',
  )
}

async function relays({ a }: MeshContext): Promise<void> {
  for (const wrong of ['', 'home.example', 'ftp://home.example', 'javascript:alert(1)'])
    check(['BAD_ARGUMENT', 'NOT_SUPPORTED'].includes(await codeFrom(a.relays.add(wrong))), `${wrong} is no origin`)
}

async function policy({ b }: MeshContext): Promise<void> {
  const row = { id: 'contract-row', who: ['anyone'], may: ['stream.open'], to: ['/x/contract-row/1.0.0'], label: 'a row of the contract suite' }
  await b.policy.put(row)
  const found = (await b.policy.rows()).find(({ id }) => id === row.id)
  equal(found?.label, row.label, 'label')
  await b.policy.remove(row.id)
  equal(
    (await b.policy.rows()).some(({ id }) => id === row.id),
    false,
    'row is gone',
  )
  equal(await codeFrom(b.policy.put({ ...row, who: 'wrong' as never })), 'BAD_ARGUMENT', 'a malformed row')
}

async function grants({ a, b }: MeshContext): Promise<void> {
  const protocol = '/x/contract-grant/1.0.0'
  const stop = new AbortController()
  await b.handle(protocol, async (stream) => stream.readable.pipeTo(new WritableStream()).catch(() => undefined), {
    signal: stop.signal,
    allow: 'nobody',
  })
  try {
    equal((await b.explain(a.peer, 'stream.open', protocol)).code, 'ACCESS_DENIED', 'before')
    const id = await b.grant({ who: [`peer:${a.peer}`], may: [`protocol:${protocol}`], limits: { uses: 2 } })
    const answer = await b.explain(a.peer, `protocol:${protocol}`)
    check(answer.allow && answer.row === id, `granted by its row: ${answer.why}`)
    equal((await b.explain('anyone', 'stream.open', protocol)).allow, false, 'a stranger')
    const stream = await a.open(b.peer, protocol)
    const ended = stream.closed.then(
      () => 'closed',
      () => 'cut',
    )
    await stream.writable.getWriter().write(Uint8Array.of(1))
    const before = Date.now()
    await b.revoke(id)
    equal(await ended, 'cut', 'the running stream')
    check(Date.now() - before <= 1_000, `cut after ${Date.now() - before} ms`)
    equal((await b.explain(a.peer, 'stream.open', protocol)).allow, false, 'after')
    equal(await codeFrom(b.revoke(id)), 'BAD_ARGUMENT', 'an id of no grant')
    await refusedGrants(b, a.peer)
  } finally {
    stop.abort()
  }
}

async function refusedGrants(b: MeshContext['b'], peer: string): Promise<void> {
  const who = [`peer:${peer}`]
  equal(await codeFrom(b.grant({ who, may: ['message.sent'] })), 'UNKNOWN_CAPABILITY', 'a right that does not exist')
  equal(await codeFrom(b.explain(peer, 'message.sent')), 'UNKNOWN_CAPABILITY', 'a question about one')
  equal(await codeFrom(b.grant({ who: ['everybody'], may: ['message.send'] })), 'BAD_ARGUMENT', 'nobody that exists')
  equal(await codeFrom(b.grant({ who, may: ['*'] })), 'BAD_ARGUMENT', 'everything')
  equal(await codeFrom(b.grant({ who, may: ['message.send'], until: 1 })), 'BAD_ARGUMENT', 'a grant of yesterday')
  equal(await codeFrom(b.grant({ who, may: ['message.send'], effect: 'deny' } as never)), 'BAD_ARGUMENT', 'a grant that denies')
  await b.policy.put({ id: 'contract-deny', who, may: ['pubsub'], effect: 'deny', label: 'no topics' })
  equal(await codeFrom(b.grant({ who, may: ['pubsub'] })), 'GRANT_CONTRADICTS', 'a grant that a deny row makes void')
  await b.policy.remove('contract-deny')
}

async function ping({ a, b }: MeshContext): Promise<void> {
  const ms = await a.ping(b.peer)
  check(ms > 0 && ms < 10_000, `${ms} ms`)
}

async function close({ a, b }: MeshContext): Promise<void> {
  await b.handle('/x/contract-close/1.0.0', async (stream) => {
    await readAll(stream).catch(() => undefined)
  })
  const stream = await a.open(b.peer, '/x/contract-close/1.0.0')
  await stream.writable.getWriter().write(new Uint8Array(1))
  const reading = codeFrom(readAll(stream))
  await a.close()
  await a.close()
  check((await within(reading, 'the stream to end')) !== 'nothing', 'an open stream fails')
  check((await codeOfOpen(a, b.peer, '/x/contract-close/1.0.0')) !== 'nothing', 'open() fails')
  await until(async () => a.state.status === 'stopped', 'state.status to be stopped')
}

/** The code with which open() or the first read fails; a refusal may show in either. */
function codeOfOpen(mesh: Mesh, peer: string, protocol: string): Promise<string> {
  return codeFrom(mesh.open(peer, protocol).then(readAll))
}
