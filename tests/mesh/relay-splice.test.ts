/** The copying inside the hop: half-close and reset travel through, and a reader that stands still costs bounded memory and is cut. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, test } from 'node:test'
import type { Libp2p, Stream } from '@libp2p/interface'
import { systemClock } from '../../src/shared/clock.ts'
import { RELAY_WINDOW } from '../../src/transports/relay/limits.ts'
import { type Splice, splice } from '../../src/transports/relay/splice.ts'
import { waitUntil } from '../support/wait.ts'
import { type RelayNode, readAll, sendAll, startRelay, startStockClient } from './relay-nodes.ts'

const RAW = '/test/raw/1.0.0'
const opened: { stop(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((node) => node.stop()))
})

interface Joined {
  /** The outer ends, at the two clients. */
  readonly a: Stream
  readonly b: Stream
  /** The inner ends, at the relay. */
  readonly inner: readonly [Stream, Stream]
  readonly joined: Splice
  readonly bytes: { forward: number; back: number }
}

/** Two clients with one stream each to a relay process, joined there. */
async function join(stall: number): Promise<Joined> {
  const relay = await startRelay()
  opened.push(relay.node)
  const ends = [await end(relay), await end(relay)] as const
  const bytes = { forward: 0, back: 0 }
  const onBytes = (direction: 'forward' | 'back', count: number) => void (bytes[direction] += count)
  const inner = [ends[0].inside, ends[1].inside] as const
  const joined = splice(...inner, { clock: systemClock(), stall, onBytes })
  return { a: ends[0].outside, b: ends[1].outside, inner, joined, bytes }
}

async function end(relay: RelayNode): Promise<{ outside: Stream; inside: Stream; node: Libp2p }> {
  const node = await startStockClient()
  opened.push(node)
  const inside = Promise.withResolvers<Stream>()
  await relay.node.handle(RAW, inside.resolve, { force: true })
  const outside = await node.dialProtocol(relay.address, RAW)
  return { outside, inside: await inside.promise, node }
}

test('a half-close travels through while the other direction goes on', async () => {
  const { a, b, joined, bytes } = await join(5000)
  const question = randomBytes(300_000)
  const asked = readAll(b)
  await sendAll(a, question)
  assert.deepEqual(Buffer.from(await asked), question)
  const answered = readAll(a)
  const answer = randomBytes(500_000)
  await sendAll(b, answer)
  assert.deepEqual(Buffer.from(await answered), answer)
  await joined.done
  assert.deepEqual(bytes, { forward: 300_000, back: 500_000 })
})

test('a reset travels through, either way', async () => {
  for (const first of ['a', 'b'] as const) {
    const { joined, ...ends } = await join(5000)
    const other = ends[first === 'a' ? 'b' : 'a']
    ends[first].abort(new Error('test'))
    await assert.rejects(joined.done, { code: 'STREAM_RESET' })
    await waitUntil(() => other.status === 'reset', { what: 'the reset at the other end' })
  }
})

test('a connection that dies takes the circuit with it', async () => {
  const { joined, b } = await join(5000)
  await opened[1]?.stop()
  await assert.rejects(joined.done, { code: 'STREAM_RESET' })
  await waitUntil(() => b.status !== 'open', { what: 'the other end to hear of it' })
})

test('a reader that stands still holds up at most 8 MiB and is cut', async () => {
  const { a, b, inner, joined } = await join(1500)
  b.addEventListener('message', () => undefined)
  b.pause()
  let broken = false
  void sendAll(a, randomBytes(32 * 1024 * 1024)).catch(() => (broken = true))
  let most = 0
  const cut = joined.done.then(
    () => 'ended',
    (error: { code: string }) => error.code,
  )
  let outcome: string | undefined
  void cut.then((code) => (outcome = code))
  await waitUntil(
    () => {
      most = Math.max(most, inner[0].readBufferLength + inner[1].writeBufferLength)
      return outcome
    },
    { ms: 10_000, what: 'the cut' },
  )
  assert.equal(outcome, 'TIMEOUT')
  assert.ok(most > RELAY_WINDOW / 16, `only ${most} bytes waited: the reader was not slow`)
  assert.ok(most <= 8 * 1024 * 1024, `${most} bytes waited`)
  await waitUntil(() => broken && b.status === 'reset', { what: 'both ends to hear of it' })
})

test('a reader that takes a piece only when the hop holds all it may gets every byte', async () => {
  const { a, b, joined, inner, bytes } = await join(3000)
  const data = randomBytes(12 * 1024 * 1024)
  const parts: Uint8Array[] = []
  let most = 0
  b.addEventListener('message', ({ data: chunk }) => {
    parts.push(chunk.subarray())
    most = Math.max(most, inner[0].readBufferLength + inner[1].writeBufferLength)
    b.pause()
  })
  const sent = sendAll(a, data)
  const received = () => parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const hopIsFull = () => inner[0].readStatus === 'paused' || bytes.forward === data.byteLength
  let waits = 0
  while (received() < data.byteLength) {
    await waitUntil(() => b.readStatus === 'paused' && hopIsFull(), { ms: 10_000, what: 'the hop to hold all it may, or all there is' })
    if (inner[0].readStatus === 'paused') waits++
    b.resume()
  }
  await sent
  assert.deepEqual(Buffer.concat(parts), data)
  assert.ok(waits > 0, 'the hop never had to wait: the reader was not slow')
  assert.ok(most <= 8 * 1024 * 1024, `${most} bytes waited`)
  if (b.readStatus === 'paused') b.resume()
  await b.close()
  await joined.done
})
