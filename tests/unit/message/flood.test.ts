/** What strangers can make a peer take and keep: one open stream is no way round the rate, and names are free. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import type { ProtocolHost } from '../../../src/core/protocol.ts'
import { type History, openHistory } from '../../../src/protocols/message/history.ts'
import { MAX_SEEN_PEERS, MESSAGE_BURST } from '../../../src/protocols/message/limits.ts'
import { createMessages } from '../../../src/protocols/message/protocol.ts'
import { encodeMessage } from '../../../src/protocols/message/wire.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'
import { waitUntil } from '../../support/wait.ts'
import { manualClock } from '../presence/manual-clock.ts'

const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A stream on which `peer` sends `count` messages at once and reads every receipt. */
function flooding(peer: string, count: number, tag = peer): PeerStream {
  const frames = Array.from({ length: count }, (_, i) =>
    encodeMessage({ v: 1, id: `${tag}-${i}-aaaaaaaa`, topic: 'chat', at: 1, as: 't' }, Uint8Array.of(65)),
  )
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const frame of frames.flat()) controller.enqueue(frame)
      controller.close()
    },
  })
  return { peer, readable, writable: new WritableStream(), closed: new Promise(() => undefined) } as unknown as PeerStream
}

async function startReceiver() {
  const clock = manualClock()
  const records = createMemoryRecords()
  const host = { clock, bus: { emit: () => undefined }, log: () => undefined, identity: { peer: 'me' } } as unknown as ProtocolHost
  const stop = new AbortController()
  const { service, serve } = (await createMessages({ records })).start(host, stop.signal)
  return { clock, records, serve, stop, from: (peer: string) => service.messages().filter((message) => message.peer === peer).length }
}

it('a peer that sends on one stream without end is slowed to the rate, and others are not', async () => {
  const { clock, serve, from, stop } = await startReceiver()
  const flood = serve(flooding('mallory', MESSAGE_BURST + 3))
  await waitUntil(() => from('mallory') === MESSAGE_BURST, { ms: 5000, what: 'the burst to arrive' })
  await settle()
  assert.equal(from('mallory'), MESSAGE_BURST)
  await serve(flooding('alice', 3))
  assert.equal(from('alice'), 3)
  clock.advance(1000)
  await waitUntil(() => from('mallory') === MESSAGE_BURST + 1, { ms: 5000, what: 'the next one a second later' })
  for (let i = 0; i < 2; i++) {
    await settle()
    clock.advance(1000)
  }
  await flood
  assert.equal(from('mallory'), MESSAGE_BURST + 3)
  stop.abort()
})

it('several streams of one peer share its rate', async () => {
  const { clock, serve, from, stop } = await startReceiver()
  const floods = [serve(flooding('mallory', MESSAGE_BURST, 'one')), serve(flooding('mallory', 5, 'two'))]
  await waitUntil(() => from('mallory') >= MESSAGE_BURST, { ms: 5000, what: 'the burst to arrive' })
  await settle()
  assert.equal(from('mallory'), MESSAGE_BURST)
  for (let i = 0; i < 5; i++) {
    clock.advance(1000)
    await settle()
  }
  await Promise.all(floods)
  assert.equal(from('mallory'), MESSAGE_BURST + 5)
  stop.abort()
})

const firstTime = (history: History, peer: string, id: string) => history.receive({ id, peer, topic: 'chat', text: 'x', size: 1, at: 1 })

it('ids of messages are remembered for a bounded number of peers, after a restart too', async () => {
  const records = createMemoryRecords()
  const peers = Array.from({ length: MAX_SEEN_PEERS + 5 }, (_, i) => `p${i}`)
  const first = await openHistory(records)
  for (const peer of peers.slice(0, MAX_SEEN_PEERS)) assert.equal(await firstTime(first, peer, 'aaaaaaaa'), true)
  const second = await openHistory(records)
  for (const peer of peers.slice(MAX_SEEN_PEERS)) assert.equal(await firstTime(second, peer, 'aaaaaaaa'), true)
  const kept = await records.list('setting', { prefix: 'seen ', limit: 2 * MAX_SEEN_PEERS })
  assert.equal(kept.length, MAX_SEEN_PEERS)
  assert.equal(await firstTime(second, peers.at(-1) as string, 'aaaaaaaa'), false)
})
