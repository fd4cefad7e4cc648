/** What must hold while the path in use changes again and again: the invariant that path-moves.test.ts runs for 40 changes and path-moves.long.test.ts for 500. */
import assert from 'node:assert/strict'
import type { TransferInfo } from '../../src/core/mesh.ts'
import { codeOf } from '../../src/shared/errors.ts'
import type { Log } from '../../src/shared/log.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { watchStalls } from '../support/stalls.ts'
import type { TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'
import { type MovingPair, startMovingPair } from './moving-pair.ts'

/** ms that bytes or a message may stand still while a path is left. */
const STALL = 1_000
/** The same where nobody tells the sender and it has to find out by itself: by what else it sends there, or by its window running full. */
const SILENT = 6_000
/** ms between two messages: what one peer may send for long. */
const MESSAGE_EVERY = 1_100
/** Bytes of one read of a source, ms until the next, and reads of one file: 4 MB/s for six seconds. */
const [READ, READ_EVERY, READS] = [64 * 1024, 16, 384]

export interface MovesReport {
  readonly switches: number
  readonly seconds: number
  readonly files: number
  readonly megabytes: number
  readonly resumes: number
  readonly messages: number
  /** ms. */
  readonly longestGap: number
  readonly slowestMessage: number
}

export interface MovesOptions {
  readonly seed: number
  readonly switches: number
  /** How a direct way ends, drawn from the seed. 'them': its sender is told nothing, and has to find out. */
  readonly ends: readonly ('cut' | 'us' | 'them')[]
  readonly log?: Log
}

/** By turns onto a direct path and off it, while files, messages and a stream of our own run. */
export async function movesUnharmed({ seed, switches, ends, log }: MovesOptions): Promise<MovesReport> {
  await using pair = await startMovingPair(seed, log)
  const { a, b, network, written } = pair
  // Chat is not what is measured here: strangers may open 60 streams of it in a minute.
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    await one.mesh.policy.put({ id: 'friend', who: [`peer:${other.mesh.peer}`], may: ['message.send'], label: 'A friend' })
  const [stalled, begun] = [watchStalls(), performance.now()]
  const steady = await openEcho(a, b)
  const files = startFiles(pair)
  const messages = startMessages(a, b)
  const flows = async (count: () => number, what: string) => {
    const from = count()
    await waitUntil(() => count() > from + 2 * READ, { ms: 10_000, what })
  }
  try {
    await flows(() => written.bytes, 'the first bytes')
    for (let done = 0; done < switches; done += 2) {
      await pair.up()
      await flows(pair.direct, 'bytes on the direct path')
      const fast = await openEcho(a, b)
      await pair.down(network.random.pick(ends))
      assert.equal(await fast.end(), 'PATH_LOST')
      await flows(() => written.bytes, 'bytes on the relayed path')
      await steady.echo()
    }
    const slowestMessage = await messages.end()
    await files.end()
    const allowed = (ends.includes('them') ? SILENT : STALL) + stalled.longest()
    const longestGap = Math.round(written.longest)
    assert.ok(longestGap <= allowed, `bytes stood still for ${longestGap} ms; this process for ${stalled.longest()} ms`)
    assert.ok(slowestMessage <= allowed, `a message took ${slowestMessage} ms; this process stood still for ${stalled.longest()} ms`)
    const seconds = Math.round((performance.now() - begun) / 1000)
    const megabytes = Math.round(written.bytes / 1e6)
    return { switches, seconds, files: files.count(), megabytes, resumes: pair.resumes(), messages: messages.count(), longestGap, slowestMessage }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}; ${files.story()}`, { cause: error })
  } finally {
    stalled.end()
    await messages.end().catch(() => undefined)
  }
}

/** A stream of our own on the path in use now. */
async function openEcho(a: TestPeer, b: TestPeer) {
  const stream = await a.mesh.open(b.mesh.peer, PROTOCOL.echo)
  stream.closed.catch(() => undefined)
  const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()]
  writer.closed.catch(() => undefined)
  const echo = async () => {
    await writer.write(Uint8Array.of(7))
    assert.equal((await reader.read()).value?.[0], 7)
  }
  await echo()
  return { echo, end: () => reader.read().then(({ done }) => (done ? 'ended' : 'went on'), codeOf) }
}

/** One file after the other from `a` to `b`, each read slowly and verified, until end(). */
function startFiles({ a, b }: MovingPair) {
  const over = new AbortController()
  let count = 0
  b.mesh.addEventListener('fileoffer', ({ detail: { id } }) => void b.mesh.files.accept(id))
  const newest = (peer: TestPeer): TransferInfo | undefined => peer.mesh.state.transfers.find(({ name }) => name === `flow-${count}`)
  const one = async () => {
    await a.mesh.files.offer(b.mesh.peer, slowSource(over.signal), { name: `flow-${++count}` })
    const ended = (peer: TestPeer) => !['offered', 'running', 'verifying'].includes(newest(peer)?.status ?? 'offered')
    await waitUntil(() => ended(a) && ended(b), { ms: 60_000, what: 'the end of a file' })
    const [sent, got] = [newest(a), newest(b)]
    assert.deepEqual([sent?.status, got?.status, got?.sha256], ['done', 'done', sent?.sha256], JSON.stringify([sent, got]))
    await b.mesh.files.remove(got?.id as string)
  }
  const run = (async () => {
    while (!over.signal.aborted) await one()
  })()
  run.catch(() => undefined)
  return {
    count: () => count,
    story: () => JSON.stringify([newest(a), newest(b)].map((info) => info && [info.status, info.done, info.problem?.code])),
    async end() {
      over.abort()
      await run
    },
  }
}

/** As a Blob that is read piece by piece; without the pauses once `hurry` fires. */
function slowSource(hurry: AbortSignal): Blob {
  const size = READ * READS
  const from = (start: number): Pick<Blob, 'size' | 'type' | 'slice' | 'stream'> => ({
    size: size - start,
    type: '',
    slice: (more = 0) => from(start + more) as Blob,
    stream() {
      let at = start
      const pull = async (controller: ReadableStreamDefaultController) => {
        if (!hurry.aborted) await new Promise((resolve) => setTimeout(resolve, READ_EVERY))
        const length = Math.min(READ, size - at)
        if (length === 0) return controller.close()
        const bytes = new Uint8Array(length)
        for (let i = 0; i < length; i += 8) bytes[i] = (at + i) / 251
        at += length
        controller.enqueue(bytes)
      }
      return new ReadableStream({ pull }, { highWaterMark: 0 })
    },
  })
  return from(0) as Blob
}

/** Both ways, one at a time; each must come once and in order. */
function startMessages(a: TestPeer, b: TestPeer) {
  const sent = new Map<string, number>()
  const heard = new Map<TestPeer, string[]>([
    [a, []],
    [b, []],
  ])
  const expected = new Map<TestPeer, string[]>([
    [a, []],
    [b, []],
  ])
  let slowest = 0
  for (const peer of [a, b])
    peer.mesh.addEventListener('message', ({ detail: { data } }) => {
      const text = new TextDecoder().decode(data)
      slowest = Math.max(slowest, performance.now() - (sent.get(text) ?? performance.now()))
      heard.get(peer)?.push(text)
    })
  const send = async (from: TestPeer, to: TestPeer) => {
    const text = `${from === a ? 'a' : 'b'} ${sent.size}`
    sent.set(text, performance.now())
    expected.get(to)?.push(text)
    await from.mesh.send(to.mesh.peer, 'chat', text)
  }
  let failed: unknown
  const timer = setInterval(() => Promise.all([send(a, b), send(b, a)]).catch((error: unknown) => (failed = error)), MESSAGE_EVERY)
  const missing = () => [a, b].some((peer) => heard.get(peer)?.length !== expected.get(peer)?.length)
  return {
    count: () => sent.size,
    /** ms of the slowest. */
    async end() {
      clearInterval(timer)
      if (failed) throw failed
      await waitUntil(() => !missing(), { ms: 15_000, what: 'the last message' })
      for (const peer of [a, b]) assert.deepEqual(heard.get(peer), expected.get(peer), 'each message once and in order')
      return Math.round(slowest)
    },
  }
}
