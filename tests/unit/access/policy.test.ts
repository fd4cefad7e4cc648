/** createPolicy(): rows that outlive a restart, defaults that can be replaced and removed, and what happens when store or rows are broken. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_ROWS } from '../../../src/access/limits.ts'
import { createPolicy } from '../../../src/access/policy.ts'
import type { Policy, PolicyRow } from '../../../src/core/access.ts'
import type { RecordStore } from '../../../src/core/stores.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'

const ANA = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const lobby: PolicyRow = { id: 'lobby', who: ['lobby'], may: ['message.send'], label: 'Lobby' }
const block: PolicyRow = { id: 'block', who: [`peer:${ANA}`], may: ['*'], effect: 'deny', label: 'Blocked' }
const make = (records: RecordStore, defaults: readonly PolicyRow[] = [lobby]) =>
  createPolicy({ records, defaults, clock: systemClock(), log: silentLog() })
const may = (policy: Policy) => policy.decide({ peer: ANA, roles: ['lobby'] }, 'message.send', '*', { startsLastMinute: 0, concurrent: 0 }, 0).allow
const ids = (policy: Policy) => policy.rows().map((row) => row.id)

test('createPolicy() answers by the defaults, then by each change at once, and keeps the changes', async () => {
  const records = createMemoryRecords()
  const policy = await make(records)
  const { decide } = policy
  assert.equal(may(policy), true)
  await policy.put(block)
  assert.equal(may(policy), false)
  assert.equal(
    decide({ peer: ANA, roles: ['lobby'] }, 'message.send', '*', { startsLastMinute: 0, concurrent: 0 }, 0).allow,
    false,
    'a kept reference answers by the newest rows',
  )
  assert.deepEqual(ids(await make(records)), ['lobby', 'block'])
  assert.equal(may(await make(records)), false)
  await policy.remove('block')
  assert.equal(may(policy), true)
  assert.deepEqual(ids(await make(records)), ['lobby'])
})

test('put() replaces a default by its id, remove() takes it away for good, put() brings it back', async () => {
  const records = createMemoryRecords()
  const policy = await make(records)
  await policy.put({ ...lobby, who: ['member'] })
  assert.equal(may(policy), false)
  assert.deepEqual(ids(policy), ['lobby'])
  assert.equal(may(await make(records)), false)
  await policy.remove('lobby')
  assert.deepEqual(ids(policy), [])
  assert.deepEqual(ids(await make(records)), [])
  await policy.put(lobby)
  assert.equal(may(await make(records)), true)
})

test('remove() of an unknown row does nothing and tells nobody', async () => {
  const policy = await make(createMemoryRecords())
  let told = 0
  policy.onChange(() => told++)
  await policy.remove('nothing')
  assert.equal(told, 0)
})

test('onChange() tells every listener once a change until its signal fires, though one throws', async () => {
  const policy = await make(createMemoryRecords())
  const ended = new AbortController()
  const told: string[] = []
  policy.onChange(() => {
    told.push('first')
    throw new Error('a fault of the listener')
  })
  policy.onChange(() => told.push(`second ${may(policy)}`), { signal: ended.signal })
  policy.onChange(() => told.push('never'), { signal: AbortSignal.abort() })
  await policy.put(block)
  await Promise.resolve()
  assert.deepEqual(told, ['first', 'second false'])
  const removed = policy.remove('block')
  policy.onChange(() => ended.abort())
  policy.onChange(() => told.push('late'), { signal: ended.signal })
  await removed
  await Promise.resolve()
  assert.deepEqual(told, ['first', 'second false', 'first', 'second true'], 'nobody is told after its signal fired, not even of the change under way')
})

test('put() rejects a malformed row and changes nothing', async () => {
  const policy = await make(createMemoryRecords())
  await assert.rejects(policy.put({ ...block, who: ['everyone'] }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(policy.put({ ...lobby, may: ['*'] }), { code: 'BAD_ARGUMENT' })
  assert.deepEqual(policy.rows(), [lobby])
})

test('put() changes nothing when the store fails, and the same holds for remove()', async () => {
  const records = createMemoryRecords()
  const fail = () => Promise.reject(new MeshError('STORAGE_FULL', 'full'))
  const policy = await make({ ...records, put: fail })
  let told = 0
  policy.onChange(() => told++)
  await assert.rejects(policy.put(block), { code: 'STORAGE_FULL' })
  await assert.rejects(policy.remove('lobby'), { code: 'STORAGE_FULL' })
  assert.deepEqual(policy.rows(), [lobby])
  assert.equal(may(policy), true)
  assert.equal(told, 0)
})

test('put() keeps to the cap, but still replaces', async () => {
  const defaults = Array.from({ length: MAX_ROWS }, (_, i) => ({ ...lobby, id: `r${i}` }))
  const policy = await make(createMemoryRecords(), defaults)
  await assert.rejects(policy.put(block), { code: 'LIMIT_REACHED' })
  await policy.put({ ...lobby, id: 'r0', label: 'changed' })
  assert.equal(policy.rows().length, MAX_ROWS)
  await policy.remove('r1')
  await policy.put(block)
  assert.equal(may(policy), false)
})

test('createPolicy() leaves out a stored row it cannot read, but denies everything for an unreadable deny row until it is removed', async () => {
  const records = createMemoryRecords()
  await records.put('policy', 'broken', { id: 'broken', who: ['anyone'], may: ['*'] })
  await records.put('policy', 'text', 'row')
  assert.deepEqual(ids(await make(records)), ['lobby'])
  await records.put('policy', 'block', { ...block, who: ['peer:of-a-newer-kind'] })
  const policy = await make(records)
  assert.equal(may(policy), false)
  await policy.remove('block')
  assert.equal(may(policy), true)
  assert.equal(may(await make(records)), true)
})

test('createPolicy() rejects when the store cannot be read: without its rows a peer would be open to those it blocked', async () => {
  const records = { ...createMemoryRecords(), list: () => Promise.reject(new MeshError('STORAGE_FAILED', 'broken')) }
  await assert.rejects(make(records), { code: 'STORAGE_FAILED' })
})

test('rows() gives a list that nobody can use to change the answers', async () => {
  const policy = await make(createMemoryRecords())
  ;(policy.rows()[0]?.who as string[])[0] = 'own'
  assert.equal(may(policy), true)
  await policy.put({ ...lobby, id: 'other', may: ['file.offer'] })
  assert.equal(may(policy), true)
})

test('put() and remove() called together end in the order of the calls', async () => {
  const records = createMemoryRecords()
  const policy = await make(records)
  await Promise.all([policy.put(block), policy.remove('block'), policy.put({ ...block, label: 'again' })])
  assert.equal(policy.rows().find((row) => row.id === 'block')?.label, 'again')
  assert.deepEqual(await records.get('policy', 'block'), { ...block, label: 'again' })
})
