/** Who sends to a reader that stands still: data channels cannot be told to wait, so the stream is cut before it costs more than limits.ts says, whatever the size of its frames. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { waitUntil } from '../../support/wait.ts'
import { NEVER, type OurNode, ourNode } from './nodes.ts'
import { startVictim, type Victim, type VictimState } from './stun-flood.ts'

const MIB = 1024 * 1024
/** What a never-reader may cost. */
const MOST = 8 * MIB

let sender: OurNode
before(async () => {
  sender = await ourNode({ listen: [] })
})
after(() => sender?.node.stop())

async function withVictim(work: (connection: Connection, victim: Victim, before: VictimState) => Promise<void>): Promise<void> {
  const victim = await startVictim({})
  try {
    const connection = await sender.node.dial(multiaddr((await victim.state()).address))
    // What a connection itself costs, and the code it loads, is not the reader's.
    await work(connection, victim, await victim.state())
  } finally {
    await victim.stop()
  }
}

/** Polled, because buffers of messages that were dropped go some rounds of the collector later. */
async function settles(victim: Victim, before: VictimState, wanted: (state: VictimState) => boolean): Promise<void> {
  let last = before
  const isRight = async () => {
    last = await victim.state()
    return wanted(last) && last.held - before.held < MOST
  }
  await waitUntil(isRight, { ms: 20_000, what: 'streams to be cut, and little to be held' }).catch((error: Error) => {
    throw new Error(`${error.message}; ${((last.held - before.held) / MIB).toFixed(1)} MiB, ${last.unread.join(' ')}`)
  })
}

/** Sends chunks of `size` until `total` bytes are under way or the stream is cut. */
async function flood(stream: Stream, size: number, total: number): Promise<void> {
  const chunk = new Uint8Array(size)
  try {
    for (let sent = 0; sent < total && stream.status === 'open'; sent += size) {
      if (!stream.send(chunk)) await stream.onDrain({ signal: AbortSignal.timeout(20_000) })
      // The channel's events come between.
      else if (sent % 4_096 === 0) await new Promise(setImmediate)
    }
  } catch {
    // It was cut while we wrote.
  }
}

for (const [what, size, total] of [
  ['large frames', 65_536, 64 * MIB],
  ['frames of one byte', 1, 100_000],
] as const)
  test(`a stream that is never read is reset with LIMIT_REACHED: ${what}`, async () => {
    await withVictim(async (connection, victim, before) => {
      const stream = await connection.newStream(NEVER)
      await flood(stream, size, total)
      await waitUntil(() => stream.status !== 'open', { ms: 20_000, what: 'the writer to know' })
      await settles(victim, before, ({ unread }) => unread[0] === 'LIMIT_REACHED')
    })
  })

test('many streams that are never read cost no more than one: some are reset, the connection stays', async () => {
  await withVictim(async (connection, victim, before) => {
    const streams = await Promise.all(Array.from({ length: 16 }, () => connection.newStream(NEVER)))
    await Promise.all(streams.map((stream) => flood(stream, 65_536, 2 * MIB)))
    await settles(victim, before, ({ unread }) => unread.filter((each) => each === 'LIMIT_REACHED').length >= 12 && unread.includes('open'))
    assert.equal(connection.status, 'open')
  })
})
