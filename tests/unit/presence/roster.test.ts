/** Who finds room in a relay's roster: keys are free, so places are shared by address prefix, and an attack on them ends where it began. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createDirectory } from '../../../src/discovery/registry/directory.ts'
import { KEEP_AWAY, MAX_ENTRIES, MAX_ENTRIES_PER_PREFIX } from '../../../src/discovery/registry/limits.ts'
import type { PresenceRecord } from '../../../src/discovery/registry/record.ts'
import { createRoster } from '../../../src/discovery/registry/roster.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'
import { createSides, here, join } from './presence-net.ts'

const { relaySide, peerSide, stopAll } = createSides()
afterEach(stopAll)

const now = 1_800_000_000

function claims(iss: string, more: Partial<PresenceRecord> = {}): PresenceRecord {
  return {
    iss,
    aud: 'relay',
    mesh: 'lobby',
    name: 'Ana',
    kind: 'browser',
    instance: 'instance-1',
    start: 1,
    seq: 0,
    iat: now,
    exp: now + 600,
    ...more,
  }
}

const isFull = (error: unknown) => codeOf(error) === 'RELAY_FULL'

/** `count` peers of one prefix; stops at the first refusal and says how many got in. */
function crowd(roster: ReturnType<typeof createRoster>, prefix: string, count: number, at = 0): number {
  for (let id = 0; id < count; id++) {
    try {
      roster.put(claims(`${prefix} ${id}`), '', at, prefix)
    } catch (error) {
      assert.ok(isFull(error))
      return id
    }
  }
  return count
}

const hereOf = (roster: ReturnType<typeof createRoster>, prefix: string) =>
  [...roster.all()].filter((entry) => entry.here && entry.prefix === prefix).length

test('one prefix gets its share of the roster, and others find room beside it', () => {
  const roster = createRoster()
  assert.equal(crowd(roster, 'flood', 5_000), MAX_ENTRIES_PER_PREFIX)
  assert.equal(crowd(roster, 'home', 3), 3)
  assert.equal(hereOf(roster, 'flood'), MAX_ENTRIES_PER_PREFIX)
})

test('prefixes that fill the roster together make room for a smaller one, the newest of the largest first', () => {
  const roster = createRoster()
  for (let i = 0; i < 20; i++) crowd(roster, `flood${i}`, 5_000)
  assert.equal(roster.size, MAX_ENTRIES)
  const dropped = [1, 2, 3].map((id) => roster.put(claims(`home ${id}`), '', 1, 'home'))
  assert.ok(dropped.every((peer) => peer?.startsWith('flood')))
  assert.equal(hereOf(roster, 'home'), 3)
  // They come back at once, and gain nothing from those who have less.
  for (const peer of dropped) assert.throws(() => roster.put(claims(peer as string), '', 2, (peer as string).split(' ')[0] as string), isFull)
  assert.equal(hereOf(roster, 'home'), 3)
})

test('a prefix that fills the roster with peers who left pushes out no peer of others, here or away', () => {
  const roster = createRoster()
  crowd(roster, 'home', 2)
  roster.leave('home 0', 'instance-1', 1)
  for (let id = 0; id < 3_000; id++) {
    roster.put(claims(`flood ${id}`), '', 2, 'flood')
    roster.leave(`flood ${id}`, 'instance-1', 2)
  }
  for (let i = 0; i < 10; i++) crowd(roster, `other${i}`, 100, 3)
  assert.deepEqual([roster.get('home 0')?.here, roster.get('home 1')?.here], [false, true])
})

test('a peer that moves needs room in the prefix it comes to', () => {
  const roster = createRoster()
  crowd(roster, 'flood', MAX_ENTRIES_PER_PREFIX)
  roster.put(claims('ana'), '', 0, 'home')
  assert.throws(() => roster.put(claims('ana', { seq: 1 }), '', 1, 'flood'), isFull)
  roster.put(claims('ana', { seq: 1 }), '', 1, 'elsewhere')
  assert.equal(roster.get('ana')?.prefix, 'elsewhere')
})

test('within a prefix those away longest make room first', () => {
  const roster = createRoster()
  crowd(roster, 'home', MAX_ENTRIES_PER_PREFIX, 1000)
  roster.leave('home 5', 'instance-1', 3000)
  roster.leave('home 6', 'instance-1', 2000)
  assert.equal(roster.put(claims('new'), '', 4000, 'home'), undefined)
  assert.equal(roster.get('home 6'), undefined)
  assert.equal(roster.get('home 5')?.seen, 3000)
})

test('a roster knows old records and old instances', () => {
  const roster = createRoster()
  const put = (more: Partial<PresenceRecord>) => roster.put(claims('peer', more), '', 0, 'home')
  put({ start: 5, seq: 3 })
  put({ start: 5, seq: 3 })
  for (const [more, code] of [
    [{ start: 5, seq: 2 }, 'OLD_RECORD'],
    [{ start: 4, instance: 'instance-2' }, 'OLD_INSTANCE'],
    [{ start: 5, instance: 'instance-2' }, 'OLD_INSTANCE'],
  ] as const)
    assert.throws(
      () => put(more),
      (error) => codeOf(error) === code,
    )
  put({ start: 6, instance: 'instance-2' })
  assert.equal(roster.leave('peer', 'instance-1', 1), false)
  assert.equal(roster.leave('peer', 'instance-2', 1), true)
  assert.deepEqual(roster.sweep(KEEP_AWAY), [])
  assert.equal(roster.size, 1)
  roster.sweep(KEEP_AWAY + 2)
  assert.equal(roster.size, 0)
})

test('who had to make room is gone for the others, hears RELAY_FULL, and the newcomer is there', async () => {
  const relay = await relaySide({ limits: { entries: 4, entriesPerPrefix: 3 } })
  const sides = []
  for (const [name, address] of [
    ['Mal', '192.0.2.1'],
    ['Mel', '192.0.2.2'],
    ['Mol', '192.0.2.3'],
    ['Ana', '198.51.100.1'],
  ] as const) {
    const side = await peerSide([relay], { name, address })
    join(side, relay)
    sides.push(side)
    await waitUntil(() => here(relay).includes(name), { what: name })
  }
  const [, , mol, ana] = sides
  const ben = await peerSide([relay], { name: 'Ben', address: '203.0.113.1' })
  join(ben, relay)
  await waitUntil(() => here(relay).includes('Ben'), { what: 'Ben in a full roster' })
  await waitUntil(() => ana && here(ana).join() === 'Ben,Mal,Mel', { what: 'Mol gone and Ben here, as Ana sees it' })
  await assert.rejects(mol?.streams[0]?.a.closed as Promise<void>)
})

test('one relay cannot fill what a client knows of the others', () => {
  const directory = createDirectory(() => undefined)
  let known = 0
  for (let id = 0; id < 5_000; id++) {
    try {
      directory.put({ relay: 'liar' }, claims(`sybil ${id}`), { here: true, ago: 0, name: '', kind: 'cli' }, now)
      known++
    } catch (error) {
      assert.equal(codeOf(error), 'LIMIT_REACHED')
    }
  }
  assert.equal(known, MAX_ENTRIES)
  directory.put({ relay: 'home' }, claims('ana'), { here: true, ago: 0, name: '', kind: 'cli' }, now)
  assert.ok(directory.entries().some(({ peer }) => peer === 'ana'))
})
