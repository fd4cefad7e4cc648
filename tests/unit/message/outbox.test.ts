/** The outbox by itself: its caps and its code, messages that waited too long, marks of what was read, and what is left of all that after a restart. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MessageInfo } from '../../../src/core/mesh.ts'
import { openHistory } from '../../../src/protocols/message/history.ts'
import { MAX_BODY, MAX_WAIT, MAX_WAITING_BYTES, MAX_WAITING_BYTES_PER_PEER, MAX_WAITING_PER_PEER } from '../../../src/protocols/message/limits.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'

let next = 0
const out = (peer: string, size = 1, at = 1_000) => ({
  id: `out-${++next}-aaaa`,
  peer,
  topic: 'chat',
  text: `to ${peer}`,
  body: new Uint8Array(size),
  at,
})
const incoming = (peer: string, at = 1_000) => ({ id: `in-${++next}-aaaa`, peer, topic: 'chat', text: `from ${peer}`, size: 1, at })
const codeFrom = (promise: Promise<unknown>) => promise.then(() => 'nothing', codeOf)
const statuses = (lines: readonly MessageInfo[]) => lines.map(({ status }) => status).join()

describe('the caps of the outbox', () => {
  it('send() says OUTBOX_FULL above the messages of one peer, and others are not hindered; what was delivered makes room', async () => {
    const history = await openHistory(createMemoryRecords())
    for (let i = 0; i < MAX_WAITING_PER_PEER; i++) await history.send(out('ana'))
    assert.equal(await codeFrom(history.send(out('ana'))), 'OUTBOX_FULL')
    assert.equal(history.messages().filter(({ peer }) => peer === 'ben').length, 0)
    await history.send(out('ben'))
    const first = await history.next('ana')
    assert.ok(first)
    await history.delivered(first.entry)
    await history.send(out('ana'))
  })

  it('send() says OUTBOX_FULL above the bytes of one peer and of all, also after a restart', async () => {
    const records = createMemoryRecords()
    const history = await openHistory(records)
    const perPeer = MAX_WAITING_BYTES_PER_PEER / MAX_BODY
    for (const peer of ['ana', 'ben']) for (let i = 0; i < perPeer; i++) await history.send(out(peer, MAX_BODY))
    assert.equal(2 * MAX_WAITING_BYTES_PER_PEER, MAX_WAITING_BYTES)
    assert.equal(await codeFrom(history.send(out('ana'))), 'OUTBOX_FULL')
    assert.equal(await codeFrom(history.send(out('cleo'))), 'OUTBOX_FULL')
    const again = await openHistory(records)
    assert.equal(await codeFrom(again.send(out('cleo'))), 'OUTBOX_FULL')
    assert.equal(again.waiting('ana'), perPeer)
  })
})

it('a message that waited too long is given up and its line says so; younger ones go on waiting', async () => {
  const records = createMemoryRecords()
  const history = await openHistory(records)
  await history.send(out('ana', 1, 1_000))
  await history.send(out('ana', 1, 2_000))
  assert.equal((await history.expire(1_000 + MAX_WAIT)).length, 0)
  assert.equal(statuses(await history.expire(1_001 + MAX_WAIT)), 'expired')
  assert.equal(statuses(history.messages()), 'expired,waiting')
  const again = await openHistory(records)
  assert.equal(statuses(again.messages()), 'expired,waiting')
  assert.equal((await again.next('ana'))?.at, 2_000)
})

it('the order on the screen is that of arrival, whatever the clock does, also after a restart', async () => {
  const records = createMemoryRecords()
  const history = await openHistory(records)
  const sent = [5_000, 5_000, 5_000, 1_000, 4_000].map((at) => out('ana', 1, at))
  for (const one of sent) await history.send(one)
  const again = await openHistory(records)
  const last = out('ana', 1, 10)
  await again.send(last)
  const ids = [...sent, last].map(({ id }) => id)
  assert.deepEqual(
    again.messages().map(({ id }) => id),
    ids,
  )
  assert.deepEqual(
    (await openHistory(records)).messages().map(({ id }) => id),
    ids,
  )
})

describe('marks of what was read', () => {
  it('read() marks up to one message or all, keeps it, and has to tell the newest id once', async () => {
    const records = createMemoryRecords()
    const history = await openHistory(records)
    const [first, second] = [incoming('ana'), incoming('ana')]
    for (const one of [first, second]) await history.receive(one)
    assert.equal(statuses(history.messages()), 'delivered,delivered')
    assert.equal(statuses(await history.read('ana', first.id)), 'read')
    assert.equal(history.untold('ana'), first.id)
    assert.equal(statuses(await history.read('ana', undefined)), 'read')
    assert.deepEqual(await history.read('ana', first.id), [], 'reading does not go back')
    assert.equal(history.untold('ana'), second.id)
    await history.told('ana', first.id)
    const again = await openHistory(records)
    assert.equal(statuses(again.messages()), 'read,read')
    assert.equal(again.untold('ana'), second.id)
    await again.told('ana', second.id)
    assert.equal(again.untold('ana'), undefined)
    assert.deepEqual((await openHistory(records)).peersWaiting(), [])
  })

  it('what they read turns my lines up to there, theirs and those of others stay', async () => {
    const records = createMemoryRecords()
    const history = await openHistory(records)
    const [one, two, three] = [out('ana'), out('ana'), out('ana')]
    for (const message of [one, two, three, out('ben')]) await history.send(message)
    for (let i = 0; i < 3; i++) await history.delivered((await history.next('ana'))?.entry as never)
    assert.deepEqual(await history.readByThem('ben', two.id), [], 'of ana only ana can say it')
    assert.deepEqual(await history.readByThem('ana', 'unknown-id'), [])
    assert.equal(statuses(await history.readByThem('ana', two.id)), 'read,read')
    assert.equal(statuses((await openHistory(records)).messages()), 'read,read,delivered,waiting')
  })

  it('a receipt that comes after the mark does not take it back', async () => {
    const history = await openHistory(createMemoryRecords())
    const message = out('ana')
    await history.send(message)
    await history.readByThem('ana', message.id)
    const line = await history.delivered((await history.next('ana'))?.entry as never)
    assert.equal(line?.status, 'read')
    assert.equal(statuses(history.messages()), 'read')
  })

  it('without receipts I read for myself: nothing is told, not even what was still to be told', async () => {
    const records = createMemoryRecords()
    const history = await openHistory(records)
    await history.receive(incoming('ana'))
    await history.read('ana', undefined)
    await history.configure({ sendReceipts: false })
    assert.equal(history.untold('ana'), undefined)
    await history.receive(incoming('ana'))
    await history.read('ana', undefined)
    const again = await openHistory(records)
    assert.deepEqual([again.settings().sendReceipts, again.untold('ana'), statuses(again.messages())], [false, undefined, 'read,read'])
    await again.configure({ sendReceipts: true })
    assert.equal(again.untold('ana'), undefined, 'what was read in silence stays so')
  })
})

it('a message from before lines had a place of their own is delivered and its line turns', async () => {
  const records = createMemoryRecords()
  const old = { id: 'old-aaaaaaaa', peer: 'ana', topic: 'chat', at: 77 }
  const key = `${String(old.at).padStart(15, '0')} ${old.id}`
  await records.put('message', key, { ...old, direction: 'out', text: 'x', size: 1, status: 'waiting' })
  await records.put('outbox', 'ana 000000000001', { ...old, body: Uint8Array.of(1), isText: true, order: 1 })
  const history = await openHistory(records)
  const waiting = await history.next('ana')
  assert.equal(waiting?.id, old.id)
  assert.equal((await history.delivered(waiting?.entry as never))?.status, 'delivered')
})
