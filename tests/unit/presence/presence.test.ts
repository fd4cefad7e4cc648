/** Presence end to end over streams in memory: who sees whom, when, and who has to go. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'
import { waitUntil } from '../../support/wait.ts'
import { createSides, here, join, openMesh } from './presence-net.ts'

const { relaySide, peerSide, stopAll } = createSides()
afterEach(stopAll)

test('two peers see each other within 300 ms, by name and kind, never themselves', async () => {
  const relay = await relaySide()
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben', kind: 'cli' })]
  const start = performance.now()
  join(ana, relay)
  join(ben, relay)
  await waitUntil(() => here(ana).length === 1 && here(ben).length === 1, { ms: 300, what: 'both to see each other' })
  assert.ok(performance.now() - start < 300)
  const [entry] = ana.service.entries()
  const at = relay.identity.peer
  assert.deepEqual(
    { ...entry, seen: 0 },
    { peer: ben.identity.peer, name: 'Ben', kind: 'cli', relay: at, here: true, seen: 0, meshes: ['lobby'], places: [{ relay: at }] },
  )
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
  assert.deepEqual(
    relay.disconnected.map(({ reason }) => reason.code),
    ['OLD_INSTANCE'],
  )
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
  // The second path says the same record again, which may be told after it was there; nothing but the new name may end it.
  assert.equal(absences.indexOf(true), absences.length - 1)
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
  const ana = await peerSide([relay])
  const state = join(ana, relay, openMesh('private'))
  await waitUntil(() => state.outcome === 'ACCESS_DENIED', { what: 'the refusal' })
})

test('meshes do not see each other', async () => {
  const relay = await relaySide({ admits: () => true })
  const [ana, ben] = [await peerSide([relay], { name: 'Ana' }), await peerSide([relay], { name: 'Ben' })]
  join(ana, relay, openMesh('red'))
  join(ben, relay, openMesh('blue'))
  await waitUntil(() => here(relay).length === 2, { what: 'both at the relay' })
  assert.deepEqual([here(ana), here(ben)], [[], []])
})
