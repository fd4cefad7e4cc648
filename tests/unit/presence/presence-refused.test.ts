/** What the presence protocol refuses, drops and forgets. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import {
  HELLO_TIMEOUT,
  KEEP_AWAY,
  MAX_QUEUE,
  MAX_RECORDS_PER_MINUTE,
  RECORD_LIFETIME,
  RENEW_AFTER,
  SWEEP_INTERVAL,
} from '../../../src/discovery/registry/limits.ts'
import { signRecord } from '../../../src/discovery/registry/record.ts'
import { createSubscriber } from '../../../src/discovery/registry/subscriber.ts'
import { decodeRelayFrame, encodePresence, type RelayFrame } from '../../../src/discovery/registry/wire.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { createFrameReader } from '../../../src/wire/frame.ts'
import { createStreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'
import { manualClock } from './manual-clock.ts'
import { createSides, here, join, type RelaySide } from './presence-net.ts'

const { relaySide, peerSide, stopAll } = createSides()
afterEach(stopAll)

/** A peer that speaks frames by hand. */
async function rawPeer(relay: RelaySide, claims: Record<string, unknown> = {}, highWaterMark?: number, address?: string) {
  const identity = await createEphemeralIdentity()
  const { a } = relay.connect(identity.peer, { highWaterMark, address })
  const now = Math.floor(Date.now() / 1000)
  const record = {
    iss: identity.peer,
    aud: relay.identity.peer,
    mesh: 'lobby',
    name: 'Raw',
    kind: 'cli',
    instance: 'raw-instance',
    start: 1,
    seq: 0,
    iat: now,
    exp: now + RECORD_LIFETIME,
  }
  const jws = await signRecord(identity, { ...record, ...claims })
  const writer = a.writable.getWriter()
  const reader = createFrameReader(a.readable)
  const next = async (): Promise<RelayFrame | undefined> => {
    const frame = await reader.read(64 * 1024)
    return frame && decodeRelayFrame(frame)
  }
  const hello = (text: string = jws) => writer.write(encodePresence({ t: 'hello', v: 1, mesh: 'lobby', record: text }))
  return { identity, record, stream: a, writer, next, hello }
}

for (const [what, claims, code] of [
  ['another relay', { aud: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN' }, 'BAD_RECORD'],
  ['someone else', { iss: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN' }, 'BAD_RECORD'],
  ['long ago', { iat: 1_000_000, exp: 1_000_600 }, 'OLD_RECORD'],
  ['the future', { iat: 9_000_000_000, exp: 9_000_000_600 }, 'BAD_RECORD'],
  ['a lifetime without end', { exp: 9_000_000_000 }, 'BAD_RECORD'],
] as const) {
  test(`a record for or of ${what} is refused with ${code}`, async () => {
    const relay = await relaySide()
    const raw = await rawPeer(relay, claims)
    await raw.hello()
    const frame = await raw.next()
    assert.equal(frame?.t === 'error' && frame.code, code)
    assert.equal(relay.service.entries().length, 0)
  })
}

test('a forged signature and a broken frame get nobody in', async () => {
  const relay = await relaySide()
  const forged = await rawPeer(relay)
  const other = await createEphemeralIdentity()
  await forged.hello(await signRecord(other, forged.record))
  const answer = await forged.next()
  assert.equal(answer?.t === 'error' && answer.code, 'BAD_RECORD')
  const broken = await rawPeer(relay)
  await broken.writer.write(Uint8Array.of(3, 1, 2, 3))
  const complaint = await broken.next()
  assert.equal(complaint?.t === 'error' && complaint.code, 'BAD_FRAME')
  assert.equal(relay.service.entries().length, 0)
})

test('a slow reader holds up nobody', async () => {
  const relay = await relaySide()
  const slow = await rawPeer(relay, {}, 1)
  await slow.hello()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  join(ana, relay)
  const start = performance.now()
  join(ben, relay)
  await waitUntil(() => here(ana).includes('Ben'), { ms: 300, what: 'Ben, in spite of the slow reader' })
  assert.ok(performance.now() - start < 300)
})

test('the queue of a reader that stands still is bounded', async () => {
  const pair = createStreamPair({ highWaterMark: 1 })
  const out = createSubscriber(pair.a)
  const frame = new Uint8Array(64 * 1024)
  for (let sent = 0; sent <= MAX_QUEUE; sent += frame.byteLength) out.push(frame)
  await assert.rejects(pair.a.closed, (error) => codeOf(error) === 'LIMIT_REACHED')
  await assert.rejects(pair.b.closed, (error) => codeOf(error) === 'STREAM_RESET')
})

test('a client drops what a lying relay made up, and keeps the rest', async () => {
  const relay = await createEphemeralIdentity()
  const [forger, victim, honest] = [await createEphemeralIdentity(), await createEphemeralIdentity(), await createEphemeralIdentity()]
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: victim.peer,
    aud: relay.peer,
    mesh: 'lobby',
    name: 'Fake',
    kind: 'cli',
    instance: 'some-instance',
    start: 2,
    seq: 5,
    iat: now,
    exp: now + 600,
  }
  const entries = [
    await signRecord(forger, claims), // another key signed it
    await signRecord(victim, { ...claims, aud: forger.peer }), // meant for another relay
    await signRecord(victim, { ...claims, mesh: 'other' }),
    'a.b.c',
    await signRecord(honest, { ...claims, iss: honest.peer, name: 'Honest' }),
    await signRecord(honest, { ...claims, iss: honest.peer, name: 'Replayed', seq: 4 }), // older than what is known
  ].map((record) => ({ record, here: true, ago: 0 }))
  const liar: RelaySide = {
    ...(await relaySide()),
    identity: relay,
    connect(peer) {
      const pair = createStreamPair({ peers: [peer, relay.peer] })
      void pair.b.writable.getWriter().write(encodePresence({ t: 'roster', v: 1, entries, end: true }))
      return pair
    },
  }
  const ana = await peerSide([liar])
  join(ana, liar)
  await waitUntil(() => here(ana).length > 0, { what: 'the honest entry' })
  assert.deepEqual(
    ana.service.entries().map(({ name }) => name),
    ['Honest'],
  )
})

test('a record that is not renewed makes its peer away, and is forgotten later', async () => {
  const clock = manualClock()
  const relay = await relaySide({}, clock)
  const raw = await rawPeer(relay)
  await raw.hello()
  await waitUntil(() => here(relay).length === 1, { what: 'the peer' })
  clock.advance(RECORD_LIFETIME * 1000 - 60_000)
  await waitUntil(() => clock.timers() > 0, { what: 'the next look' })
  assert.deepEqual(here(relay), ['Raw'])
  clock.advance(60_000 + SWEEP_INTERVAL)
  await waitUntil(() => here(relay).length === 0, { what: 'it to be away' })
  assert.equal(relay.service.entries().length, 1)
  clock.advance(KEEP_AWAY + SWEEP_INTERVAL)
  await waitUntil(() => relay.service.entries().length === 0, { what: 'it to be forgotten' })
})

test('a client renews its record in time', async () => {
  const clock = manualClock()
  const relay = await relaySide({}, clock)
  const ana = await peerSide([relay], { name: 'Ana', clock })
  join(ana, relay)
  await (await rawPeer(relay)).hello()
  await waitUntil(
    () => {
      clock.advance(1)
      return here(ana).length === 1
    },
    { what: 'the roster' },
  )
  const seen = () => relay.service.entries().find(({ name }) => name === 'Ana')?.seen ?? 0
  const before = seen()
  await waitUntil(
    () => {
      clock.advance(RENEW_AFTER * 40) // 25 looks until it is due, 37 more until it runs out
      return seen() > before
    },
    { what: 'a renewal' },
  )
  assert.ok(here(relay).includes('Ana'))
})

test('a peer that says nothing is let go', async () => {
  const clock = manualClock()
  const relay = await relaySide({}, clock)
  const raw = await rawPeer(relay)
  clock.advance(HELLO_TIMEOUT)
  const frame = await raw.next()
  assert.equal(frame?.t === 'error' && frame.code, 'TIMEOUT')
})

test('renewing without end is cut at the rate', async () => {
  const relay = await relaySide()
  const raw = await rawPeer(relay)
  await raw.hello()
  for (let seq = 1; seq <= MAX_RECORDS_PER_MINUTE + 1; seq++) {
    const record = await signRecord(raw.identity, { ...raw.record, seq })
    await raw.writer.write(encodePresence({ t: 'record', record }))
  }
  for (;;) {
    const frame = await raw.next()
    if (frame?.t !== 'error') continue
    assert.equal(frame.code, 'LIMIT_REACHED')
    break
  }
})

test('who had to make room is told before the newcomer, who so fits into a list as long as the roster', async () => {
  const relay = await relaySide({ limits: { entries: 3, entriesPerPrefix: 3 } })
  const watcher = await rawPeer(relay, {}, undefined, '198.51.100.1')
  await watcher.hello()
  const hears = async () => {
    const frame = await watcher.next()
    return frame?.t === 'gone' ? `gone ${frame.peer}` : frame?.t
  }
  assert.deepEqual([await hears(), await hears()], ['roster', 'record'])
  const enter = async (address: string) => {
    const raw = await rawPeer(relay, {}, undefined, address)
    await raw.hello()
    return raw.identity.peer
  }
  await enter('192.0.2.1')
  assert.equal(await hears(), 'record')
  const newest = await enter('192.0.2.2')
  assert.equal(await hears(), 'record')
  await enter('203.0.113.1')
  assert.deepEqual([await hears(), await hears()], [`gone ${newest}`, 'record'])
})
