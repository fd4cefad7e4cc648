/** Receivers that do not keep the file protocol: each costs the sender bounded memory and time and ends with a code. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { systemClock } from '../../../src/shared/clock.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { createStreamPair, type StreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'
import { createTestPeer, ended, handClock, rawPeer, readSource, stopPeers } from './two-hosts.ts'

afterEach(stopPeers)

describe('hostile receivers', () => {
  const offered = async (clock = systemClock(), size = 10) => {
    const a = createTestPeer({ clock })
    const pair = createStreamPair()
    a.connect(() => pair.a)
    const raw = rawPeer(pair.b)
    const id = await a.service.offer('b', new Blob([new Uint8Array(size)]), { name: 'x' })
    assert.equal((await raw.next()).kind, 'offer')
    return { a, raw, id, pair }
  }

  it('one that never answers is given up after 65 s', async () => {
    const { clock, fire } = handClock()
    const { a, id } = await offered(clock)
    await fire(65_000)
    assert.equal((await ended(a, id)).problem?.code, 'TIMEOUT')
  })

  it('one that says wait for ever is given up after the answer time', async () => {
    const { clock, fire } = handClock()
    const { a, raw, id } = await offered(clock)
    for (let i = 0; i < 5; i++) await raw.json({ kind: 'wait' })
    await fire(665_000)
    assert.equal((await ended(a, id)).problem?.code, 'TIMEOUT')
  })

  it('one that never reads costs the sender a few blocks, and its stream is given up after 60 s', async () => {
    const { clock, fire } = handClock()
    let pulled = 0
    const a = createTestPeer({ clock })
    const pair = createStreamPair()
    a.connect(() => pair.a)
    const raw = rawPeer(pair.b)
    const source = readSource(2 ** 33, (_, length) => {
      pulled++
      return new Uint8Array(length)
    })
    const id = await a.service.offer('b', source, { name: 'x' })
    await raw.next()
    await raw.json({ kind: 'accept', offset: 0 })
    await waitUntil(() => pulled >= 2, { what: 'the first blocks' })
    a.connect(() => {
      throw new MeshError('PEER_UNREACHABLE', 'no path')
    })
    await fire(60_000)
    await assert.rejects(pair.b.closed)
    assert.equal(a.service.transfers().find((info) => info.id === id)?.status, 'running')
    assert.ok(pulled <= 4, `${pulled} blocks were read`)
  })

  it('one that does not answer when its sender is back costs 15 s: that stream is given up, and the transfer is not', async () => {
    const { clock, fire } = handClock()
    const a = createTestPeer({ clock })
    const pairs: StreamPair[] = []
    a.connect(() => {
      const pair = createStreamPair()
      pairs.push(pair)
      return pair.a
    })
    const id = await a.service.offer('b', new Blob([new Uint8Array(10)]), { name: 'x' })
    const stream = (index: number) => rawPeer((pairs[index] as StreamPair).b)
    const first = stream(0)
    await first.next()
    await first.json({ kind: 'accept', offset: 0 })
    await waitUntil(() => a.service.transfers()[0]?.status === 'verifying', { what: 'the bytes to be sent' })
    pairs[0]?.cut()
    await waitUntil(() => pairs.length === 2, { what: 'the second stream' })
    await fire(15_000)
    await assert.rejects((pairs[1] as StreamPair).b.closed)
    await fire(3_000)
    await waitUntil(() => a.service.transfers().find((info) => info.id === id)?.status === 'waiting', { what: 'it to wait for the next stream' })
  })

  it('one that claims another digest: VERIFY_FAILED', async () => {
    const { a, raw, id } = await offered()
    await raw.json({ kind: 'accept', offset: 0 })
    await raw.json({ kind: 'done', sha256: 'f'.repeat(64) })
    assert.equal((await ended(a, id)).problem?.code, 'VERIFY_FAILED')
  })

  for (const [what, answer] of [
    ['bad JSON', '{'],
    ['an unknown kind', '{"kind":"maybe"}'],
    ['an offset that nobody asked for', '{"kind":"accept","offset":5}'],
  ] as const) {
    it(`${what} as the answer: BAD_FRAME, told to the receiver`, async () => {
      const { a, raw, id } = await offered()
      await raw.block(new TextEncoder().encode(answer))
      assert.equal((await ended(a, id)).problem?.code, 'BAD_FRAME')
      assert.equal((await raw.frames.read(4096))?.byteLength, 0)
      assert.deepEqual(await raw.next(), { kind: 'stop', code: 'BAD_FRAME' })
    })
  }

  it('a stop with a code that we do not know still ends the transfer', async () => {
    const { a, raw, id } = await offered()
    await raw.json({ kind: 'stop', code: 'FROM_THE_FUTURE' })
    assert.equal((await ended(a, id)).status, 'failed')
  })
})
