/** Presence end to end over streams in memory: who sees whom, when, and who has to go. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { HELLO_TIMEOUT, KEEP_AWAY, MAX_QUEUE, MAX_RECORDS_PER_MINUTE, RECORD_LIFETIME, RENEW_AFTER, SWEEP_INTERVAL } from '../../../src/discovery/registry/limits.ts'
import { signRecord } from '../../../src/discovery/registry/record.ts'
import { createSubscriber } from '../../../src/discovery/registry/subscriber.ts'
import { decodeRelayFrame, encodePresence, type RelayFrame } from '../../../src/discovery/registry/wire.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'
import { createFrameReader } from '../../../src/wire/frame.ts'
import { createStreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'
import { manualClock } from './manual-clock.ts'
import { here, type PeerSide, type RelaySide, startPeer, startRelay } from './presence-net.ts'

const running: { stop(): void }[] = []
afterEach(() => {
  for (const side of running.splice(0)) side.stop()
})

async function relaySide(...args: Parameters<typeof startRelay>): Promise<RelaySide> {
  const side = await startRelay(...args)
  running.push(side)
  return side
}

async function peerSide(...args: Parameters<typeof startPeer>): Promise<PeerSide> {
  const side = await startPeer(...args)
  running.push(side)
  return side
}

/** Join and forget; `outcome` holds how it ended. */
function join(peer: PeerSide, relay: RelaySide) {
  const own = new AbortController()
  const state: { outcome?: string; leave(): void } = { leave: () => own.abort() }
  peer.service.join(relay.identity.peer, own.signal).then(
    () => (state.outcome = 'left'),
    (error: unknown) => (state.outcome = codeOf(error)),
  )
  return state
}

test('two peers see each other within 300 ms, by name and kind, never themselves', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben', kind: 'cli' })]
  const start = performance.now()
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(ana).length === 1 && here(ben).length === 1, { ms: 300, what: 'both to see each other' })
  assert.ok(performance.now() - start < 300)
  const [entry] = ana.service.entries()
  assert.deepEqual({ ...entry, seen: 0 }, { peer: ben.identity.peer, name: 'Ben', kind: 'cli', relay: relay.identity.peer, here: true, seen: 0 })
  assert.deepEqual(here(relay), ['Ana', 'Ben'])
})

test('who leaves is away within 100 ms and stays known with the time', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  join(ana, relay)
  const stay = join(ben, relay)
  await waitUntil(() => here(ana).length === 1, { what: 'Ben to be here' })
  stay.leave()
  await waitUntil(() => here(ana).length === 0, { ms: 150, what: 'Ben to be away' })
  const [entry] = ana.service.entries()
  assert.equal(entry?.name, 'Ben')
  assert.ok(Math.abs((entry?.seen ?? 0) - Date.now()) < 1000)
  assert.equal(stay.outcome, 'left')
})

test('a newcomer hears of those away too', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  const stay = join(ana, relay)
  await waitUntil(() => here(relay).length === 1, { what: 'Ana to be here' })
  stay.leave()
  await waitUntil(() => here(relay).length === 0, { what: 'Ana to be away' })
  join(ben, relay)
  await waitUntil(() => ben.service.entries().length === 1, { what: 'Ben to hear of Ana' })
  assert.equal(ben.service.entries()[0]?.here, false)
})

test('a new name reaches everyone, cleaned', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(ana)[0] === 'Ben', { what: 'the first name' })
  ben.service.rename('  Be\u202en\n  the   second\u0000 ')
  await waitUntil(() => here(ana)[0] === 'Ben the second', { ms: 300, what: 'the second name' })
})

test('onChange tells of a change and stops with its signal', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  let told = 0
  const own = new AbortController()
  ana.service.onChange(() => void told++, own.signal)
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(ana).length === 1, { what: 'Ben' })
  assert.ok(told > 0)
  own.abort()
  const before = told
  ben.service.rename('Other')
  await waitUntil(() => here(ana)[0] === 'Other', { what: 'the new name' })
  assert.equal(told, before)
})

test('a lost stream is opened again; nobody flickers', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(ana).length === 1 && here(ben).length === 1, { what: 'both' })
  ana.streams[0]?.cut()
  await waitUntil(() => ana.streams.length === 2 && here(ben).length === 1 && here(relay).length === 2, { ms: 2000, what: 'Ana to be back' })
  assert.deepEqual(here(ana), ['Ben'])
})

test('a relay that is down at first is joined once it runs', async () => {
  const relay = await relaySide()
  relay.down = true
  const ana = await peerSide([relay], { name: 'Ana' })
  join(ana, relay)
  assert.equal(here(relay).length, 0)
  relay.down = false
  await waitUntil(() => here(relay).length === 1, { ms: 2000, what: 'Ana to arrive' })
})

test('a newer start of the same key takes over, the older one is told and disconnected', async () => {
  const relay = await relaySide()
  const identity = await createEphemeralIdentity()
  const watcher = await peerSide([relay], { name: 'Watcher' })
  const [old, young] = [await peerSide([relay], { identity, name: 'Old', start: 1 }), await peerSide([relay], { identity, name: 'Young', start: 2 })]
  join(watcher, relay)
  const first = join(old, relay)
  await waitUntil(() => here(watcher)[0] === 'Old', { what: 'the old instance' })
  const second = join(young, relay)
  await waitUntil(() => first.outcome === 'OLD_INSTANCE' && here(watcher)[0] === 'Young', { ms: 1000, what: 'the old instance to be told' })
  assert.equal(second.outcome, undefined)
  assert.deepEqual(relay.disconnected.map(({ reason }) => reason.code), ['OLD_INSTANCE'])
  assert.equal(relay.disconnected[0]?.stream, old.streams[0]?.b)
  assert.deepEqual(here(watcher), ['Young'])
})

test('an older start is refused and disconnected, the newer one stays', async () => {
  const relay = await relaySide()
  const identity = await createEphemeralIdentity()
  const [old, young] = [await peerSide([relay], { identity, name: 'Old', start: 1 }), await peerSide([relay], { identity, name: 'Young', start: 2 })]
  join(young, relay)
  await waitUntil(() => here(relay)[0] === 'Young', { what: 'the young instance' })
  const late = join(old, relay)
  await waitUntil(() => late.outcome === 'OLD_INSTANCE', { ms: 1000, what: 'the refusal' })
  assert.deepEqual(here(relay), ['Young'])
  await waitUntil(() => relay.disconnected.length === 1, { what: 'the disconnect' })
  assert.equal(relay.disconnected[0]?.stream, old.streams[0]?.b)
})

test('a second path of one instance is welcome; it is here until the last path ends', async () => {
  const relay = await relaySide()
  const identity = await createEphemeralIdentity()
  const same = { identity, name: 'Twice', start: 7, instance: 'one-instance' }
  const [watcher, a, b] = [await peerSide([relay], { name: 'Watcher' }), await peerSide([relay], same), await peerSide([relay], same)]
  join(watcher, relay)
  const first = join(a, relay)
  await waitUntil(() => here(a).length === 1 && here(watcher).length === 1, { what: 'the first path' })
  join(b, relay)
  await waitUntil(() => here(b).length === 1, { what: 'the second path' })
  const absences: boolean[] = []
  watcher.service.onChange(() => void absences.push(!here(watcher).includes('Twice')), new AbortController().signal)
  first.leave()
  await waitUntil(() => first.outcome === 'left', { what: 'the first path to end' })
  b.service.rename('Still here')
  await waitUntil(() => here(watcher).includes('Still here'), { what: 'the second path to speak' })
  assert.deepEqual(absences, [true])
  assert.deepEqual(relay.disconnected, [])
})

test('starts are counted in the store and never fall behind the clock', async () => {
  const relay = await relaySide()
  const identity = await createEphemeralIdentity()
  const records = createMemoryRecords()
  const future = Math.floor(Date.now() / 1000) + 1000
  await records.put('relay', 'presence.start', future)
  const [one, two] = [await peerSide([relay], { identity, records, name: 'One' }), await peerSide([relay], { identity, records, name: 'Two' })]
  const first = join(one, relay)
  await waitUntil(() => here(relay)[0] === 'One', { what: 'the first start' })
  assert.equal(await records.get('relay', 'presence.start'), future + 1)
  join(two, relay)
  await waitUntil(() => here(relay)[0] === 'Two' && first.outcome === 'OLD_INSTANCE', { what: 'the second start' })
})

test('a mesh that does not admit me is refused for good', async () => {
  const relay = await relaySide()
  const ana = await peerSide([relay], { mesh: 'private' })
  const state = join(ana, relay)
  await waitUntil(() => state.outcome === 'ACCESS_DENIED', { what: 'the refusal' })
})

test('meshes do not see each other', async () => {
  const relay = await relaySide({ admits: () => true })
  const [ana, ben] = [await peerSide([relay], { name: 'Ana', mesh: 'red' }), await peerSide([relay], { name: 'Ben', mesh: 'blue' })]
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(relay).length === 2, { what: 'both at the relay' })
  assert.deepEqual([here(ana), here(ben)], [[], []])
})

/** A peer that speaks frames by hand. */
async function rawPeer(relay: RelaySide, claims: Record<string, unknown> = {}, highWaterMark?: number) {
  const identity = await createEphemeralIdentity()
  const { a } = relay.connect(identity.peer, { highWaterMark })
  const now = Math.floor(Date.now() / 1000)
  const record = { iss: identity.peer, aud: relay.identity.peer, mesh: 'lobby', name: 'Raw', kind: 'cli', instance: 'raw-instance', start: 1, seq: 0, iat: now, exp: now + RECORD_LIFETIME }
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
  const claims = { iss: victim.peer, aud: relay.peer, mesh: 'lobby', name: 'Fake', kind: 'cli', instance: 'some-instance', start: 2, seq: 5, iat: now, exp: now + 600 }
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
  assert.deepEqual(ana.service.entries().map(({ name }) => name), ['Honest'])
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
  await waitUntil(() => here(relay).length === 1, { what: 'Ana' })
  const seen = () => relay.service.entries()[0]?.seen ?? 0
  const before = seen()
  await waitUntil(
    () => {
      clock.advance(RENEW_AFTER * 1000)
      return seen() > before
    },
    { what: 'a renewal' },
  )
  assert.deepEqual(here(relay), ['Ana'])
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
