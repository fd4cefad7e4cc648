/** A stream whose connection ended never looks like a clean end, whenever that happened: before anybody listened, between two writes, in the middle of one. Real yamux over a pair in memory. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { toPeerStream } from '../../../src/mesh/peer-stream.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'

const WINDOW = 1024 * 1024
const INIT = { peer: 'peer', protocol: '/x/test/1.0.0', path: 'relayed' } as const

async function openPair() {
  const [near, far] = multiaddrConnectionPair()
  const create = yamux({ enableKeepAlive: false, streamOptions: { initialStreamWindowSize: WINDOW } })()
  const [muxer, other] = [create.createStreamMuxer(near), create.createStreamMuxer(far)]
  const arrived = new Promise<Stream>((resolve) => other.addEventListener('stream', ({ detail }) => resolve(detail)))
  const stream = await muxer.createStream({ protocol: INIT.protocol })
  return { stream, arrived, end: () => near.abort(new Error('the wire was cut')) }
}

const outcome = (work: Promise<unknown>) => work.then(() => 'well', codeOf)

it('a connection that ended before the stream was taken over is PATH_LOST in every direction', async () => {
  const { stream, end } = await openPair()
  end()
  assert.equal(stream.status, 'closed')
  const taken = toPeerStream(stream, INIT)
  const read = outcome(taken.readable.getReader().read())
  const written = outcome(taken.writable.getWriter().write(Uint8Array.of(1)))
  assert.deepEqual(await Promise.all([read, written, outcome(taken.closed)]), ['PATH_LOST', 'PATH_LOST', 'PATH_LOST'])
})

it('a write right after the connection ended says PATH_LOST, not that a stream is closed', async () => {
  const { stream, end } = await openPair()
  const taken = toPeerStream(stream, INIT)
  const writer = taken.writable.getWriter()
  await writer.write(Uint8Array.of(1))
  end()
  const error = await writer.write(Uint8Array.of(2)).catch((failure: unknown) => failure)
  assert.equal(codeOf(error), 'PATH_LOST')
  assert.doesNotMatch((error as Error).message, /closed/)
  assert.equal(await outcome(taken.closed), 'PATH_LOST')
})

it('an end by both sides stays a clean one', async () => {
  const { stream, arrived } = await openPair()
  const [near, far] = [toPeerStream(stream, INIT), toPeerStream(await arrived, INIT)]
  const writer = near.writable.getWriter()
  await writer.write(Uint8Array.of(1, 2, 3))
  const writing = writer.close()
  assert.equal((await new Response(far.readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()).byteLength, 3)
  await far.writable.getWriter().close()
  await writing
  assert.deepEqual(await Promise.all([outcome(near.closed), outcome(far.closed)]), ['well', 'well'])
})

it('what a slow reader left is read to the end after both sides closed, and after the connection went too', async () => {
  for (const cut of [false, true]) {
    const { stream, arrived, end } = await openPair()
    const [near, far] = [toPeerStream(stream, INIT), toPeerStream(await arrived, INIT)]
    const over = new Promise<void>((resolve) => stream.addEventListener('close', () => resolve()))
    await near.writable.close()
    const writer = far.writable.getWriter()
    // More than a readable takes unasked, and no more than the window lets through.
    for (let i = 0; i < 8; i++) await writer.write(new Uint8Array(WINDOW / 8).fill(i))
    await writer.close()
    await over
    assert.ok(stream.readBufferLength > 0, 'the reader was not slow')
    if (cut) end()
    const all = new Uint8Array(await new Response(near.readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
    assert.deepEqual([all.byteLength, all.at(-1)], [WINDOW, 7])
  }
})

it('a reader that fell behind and then reads no more lets the writer end', { timeout: 10_000 }, async () => {
  const { stream, arrived } = await openPair()
  const [near, far] = [toPeerStream(stream, INIT), toPeerStream(await arrived, INIT)]
  const writer = far.writable.getWriter()
  const sending = (async () => {
    for (let i = 0; i < 4; i++) await writer.write(new Uint8Array(WINDOW))
    await writer.close()
  })()
  await waitUntil(() => stream.readStatus === 'paused', { what: 'the reader to fall behind' })
  await near.readable.cancel()
  await sending
  await near.writable.close()
  assert.deepEqual(await Promise.all([outcome(near.closed), outcome(far.closed)]), ['well', 'well'])
})
