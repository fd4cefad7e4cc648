/** What is kept and shown when strangers write: never at the cost of people I wrote to, whatever number of keys they make. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { MessageInfo } from '../../../src/core/mesh.ts'
import { type History, openHistory } from '../../../src/protocols/message/history.ts'
import {
  MAX_BODY,
  MAX_KEPT,
  MAX_SEEN_PEERS,
  MAX_SHOWN,
  MAX_STRANGER_BYTES,
  MAX_STRANGER_LINES,
  MAX_STRANGERS_SHOWN,
} from '../../../src/protocols/message/limits.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'

let at = 0
function line(peer: string, direction: 'in' | 'out' = 'in', size = 1): MessageInfo {
  at++
  return { id: `id-${at}`, peer, direction, topic: 'chat', text: 'x', size, status: 'delivered', at }
}

/** As if it had come, or been written here. */
async function add(history: History, { id, peer, direction, topic, text, size, at: when }: MessageInfo): Promise<void> {
  if (direction === 'in') await history.receive({ id, peer, topic, text, size, at: when })
  else await history.send({ id, peer, topic, text, body: new Uint8Array(size), at: when })
}

const firstTime = (history: History, peer: string, id: string) => history.receive({ id, peer, topic: 'chat', text: 'x', size: 1, at: ++at })

async function open() {
  const records = createMemoryRecords()
  const history = await openHistory(records)
  const stored = async () => (await records.list<MessageInfo>('message', { limit: 100_000 })).map(([, message]) => message)
  return { records, history, stored, of: async (peer: string) => (await stored()).filter((one) => one.peer === peer).length }
}

it('6 000 messages of as many keys push out neither my conversation nor more than their own share', async () => {
  const { records, history, stored, of } = await open()
  await add(history, line('ana', 'out'))
  for (let i = 0; i < 50; i++) await add(history, line('ana'))
  for (let i = 0; i < 6_000; i++) await add(history, line(`sybil ${i}`))
  assert.equal(await of('ana'), 51)
  assert.equal((await stored()).length, 51 + MAX_STRANGER_LINES)
  assert.equal(await of('sybil 5999'), 1, 'the newest is there')
  const onScreen = () => history.messages().filter(({ peer }) => peer === 'ana').length
  assert.equal(onScreen(), 51)
  assert.equal(history.messages().length, 51 + MAX_STRANGERS_SHOWN)
  const again = await openHistory(records)
  assert.equal(again.messages().filter(({ peer }) => peer === 'ana').length, 51)
})

it('one stranger without end pushes out nobody else, and large ones are bounded in bytes', async () => {
  const { history, of, stored } = await open()
  await add(history, line('shy'))
  for (let i = 0; i < 2 * MAX_STRANGER_LINES; i++) await add(history, line('mallory'))
  assert.deepEqual([await of('shy'), await of('mallory')], [1, MAX_STRANGER_LINES - 1])
  for (let i = 0; i < 50; i++) await add(history, line('fat', 'in', MAX_BODY))
  const bytes = (await stored()).reduce((sum, { size }) => sum + size, 0)
  assert.ok(bytes <= MAX_STRANGER_BYTES, `${bytes} bytes`)
})

it('whom I answer is no stranger any more, also after a restart', async () => {
  const { records, history, of } = await open()
  for (let i = 0; i < 20; i++) await add(history, line('ben'))
  await add(history, line('ben', 'out'))
  for (let i = 0; i < 2_000; i++) await add(history, line(`sybil ${i}`))
  assert.equal(await of('ben'), 21)
  const again = await openHistory(records)
  for (let i = 0; i < 2_000; i++) await add(again, line(`more ${i}`))
  assert.equal(await of('ben'), 21)
})

it('one conversation of mine that grows without end keeps the others', async () => {
  const { history, of, stored } = await open()
  await add(history, line('ana', 'out'))
  await add(history, line('ben', 'out'))
  for (let i = 0; i < MAX_KEPT + 100; i++) await add(history, line('ben'))
  assert.equal(await of('ana'), 1)
  assert.equal((await stored()).length, MAX_KEPT)
  assert.equal(history.messages().length, MAX_SHOWN)
})

it('lines of a stranger that I answer count among mine, and leave no more of them in the store', async () => {
  const { history, stored } = await open()
  await add(history, line('ana', 'out'))
  for (let i = 1; i < MAX_KEPT; i++) await add(history, line('ana'))
  for (let i = 0; i < 20; i++) await add(history, line('ben'))
  await add(history, line('ben', 'out'))
  assert.equal((await stored()).length, MAX_KEPT)
})

it('ids of people I wrote to are remembered whatever strangers send', async () => {
  const { history } = await open()
  await add(history, line('ana', 'out'))
  assert.equal(await firstTime(history, 'ana', 'once'), true)
  for (let i = 0; i < MAX_SEEN_PEERS + 10; i++) await firstTime(history, `sybil ${i}`, 'x')
  assert.equal(await firstTime(history, 'ana', 'once'), false)
})
