/** Peers that do not keep the file protocol: each costs bounded memory and time and ends with a code. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { RESUME_MS } from '../../../src/protocols/files/limits.ts'
import { createStreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'
import {
  createTestPeer,
  ended,
  goodOffer,
  handClock,
  nextOffer,
  type RawPeer,
  rawPeer,
  rawSender,
  stopPeers,
  type TestPeer,
  turned,
} from './two-hosts.ts'

const digestOf = async (bytes: Uint8Array<ArrayBuffer>) => Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')

async function acceptedSender(b: TestPeer, offer: Record<string, unknown>): Promise<{ raw: RawPeer; id: string }> {
  const raw = rawSender(b)
  await raw.json(offer)
  const { id } = await nextOffer(b)
  await b.service.accept(id)
  assert.deepEqual(await raw.next(), { kind: 'accept', offset: 0 })
  return { raw, id }
}

afterEach(stopPeers)

describe('hostile senders', () => {
  it('more bytes than declared: BAD_FRAME, told to the sender, nothing stored', async () => {
    const b = createTestPeer()
    const { raw, id } = await acceptedSender(b, goodOffer())
    await raw.block(new Uint8Array(11))
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'BAD_FRAME' })
    assert.equal((await ended(b, id)).problem?.code, 'BAD_FRAME')
    assert.equal(await b.files.size(id), undefined)
  })

  it('fewer bytes than declared: BAD_FRAME, nothing stored', async () => {
    const b = createTestPeer()
    const { raw, id } = await acceptedSender(b, goodOffer())
    await raw.block(new Uint8Array(9))
    await raw.block(new Uint8Array(0))
    await raw.json({ kind: 'digest', sha256: await digestOf(new Uint8Array(9)) })
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'BAD_FRAME' })
    assert.equal((await ended(b, id)).problem?.code, 'BAD_FRAME')
    assert.equal(await b.files.size(id), undefined)
  })

  it('a wrong digest: VERIFY_FAILED, told to the sender, nothing stored', async () => {
    const b = createTestPeer()
    const { raw, id } = await acceptedSender(b, goodOffer())
    await raw.block(new Uint8Array(10))
    await raw.block(new Uint8Array(0))
    await raw.json({ kind: 'digest', sha256: '0'.repeat(64) })
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'VERIFY_FAILED' })
    assert.equal((await ended(b, id)).problem?.code, 'VERIFY_FAILED')
    assert.equal(await b.files.size(id), undefined)
  })

  it('an end in the middle: it waits for its sender with its file closed, and nothing is there for readers', async () => {
    const { clock, fire } = handClock()
    const b = createTestPeer({ clock })
    const { raw, id } = await acceptedSender(b, goodOffer())
    await raw.block(new Uint8Array(5))
    raw.stream.abort('gone')
    await fire(RESUME_MS)
    await turned(b, id, 'waiting')
    assert.equal(await b.files.size(id), undefined)
    await b.service.cancel(id)
    await waitUntil(async () => (await b.files.estimate()).used === 0, { what: 'the bytes to be gone' })
  })

  it('content before the acceptance: BAD_FRAME, and it cannot be accepted any more', async () => {
    const b = createTestPeer()
    const raw = rawSender(b)
    await raw.json(goodOffer())
    const { id } = await nextOffer(b)
    await raw.block(new Uint8Array(3))
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'BAD_FRAME' })
    await ended(b, id)
    await assert.rejects(b.service.accept(id), { code: 'BAD_ARGUMENT' })
  })

  it('a block above its cap: FRAME_TOO_LARGE', async () => {
    const b = createTestPeer()
    const { raw, id } = await acceptedSender(b, goodOffer({ size: 10_000_000 }))
    await raw.raw(Uint8Array.of(0x81, 0x80, 0x10)) // varint 262 145
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'FRAME_TOO_LARGE' })
    assert.equal((await ended(b, id)).problem?.code, 'FRAME_TOO_LARGE')
  })
})

describe('hostile offers', () => {
  const badOffers: readonly [string, unknown, string][] = [
    ['no JSON', undefined, 'BAD_FRAME'],
    ['an array', [], 'BAD_FRAME'],
    ['another kind', goodOffer({ kind: 'order' }), 'BAD_FRAME'],
    ['a negative size', goodOffer({ size: -1 }), 'BAD_FRAME'],
    ['a fractional size', goodOffer({ size: 1.5 }), 'BAD_FRAME'],
    ['a size above 1 TiB', goodOffer({ size: 2 ** 40 + 1 }), 'BAD_FRAME'],
    ['an id with a path in it', goodOffer({ id: '../../x' }), 'BAD_FRAME'],
    ['a name that is no text', goodOffer({ name: { toString: 'x' } }), 'BAD_FRAME'],
    ['an unknown version', goodOffer({ v: 2, kind: 'anything' }), 'UNKNOWN_VERSION'],
    ['an offer above 4 KiB', goodOffer({ more: 'x'.repeat(5000) }), 'FRAME_TOO_LARGE'],
  ]
  for (const [what, offer, code] of badOffers) {
    it(`${what}: ${code}, and no offer is shown`, async () => {
      const b = createTestPeer()
      const raw = rawSender(b)
      if (offer === undefined) await raw.block(new TextEncoder().encode('{"v":1,'))
      else await raw.json(offer)
      assert.deepEqual(await raw.next(), { kind: 'stop', code })
      assert.deepEqual(b.offers, [])
      assert.deepEqual(b.service.transfers(), [])
    })
  }

  it('an offer on a stream that was let in to go on: LIMIT_REACHED; as many may come as there are transfers to go on with', async () => {
    const b = createTestPeer()
    assert.equal(b.more('stranger'), false)
    await rawSender(b).json(goodOffer())
    await nextOffer(b)
    assert.deepEqual([b.more('stranger'), b.more('somebody')], [true, false])
    const pair = createStreamPair({ highWaterMark: 65_536, peers: ['stranger', 'me'] })
    void b.serve(pair.b, true)
    assert.equal(b.more('stranger'), false, 'it is not known yet for what this one came')
    const raw = rawPeer(pair.a)
    await raw.json(goodOffer({ id: 'another' }))
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'LIMIT_REACHED' })
    assert.equal(b.more('stranger'), true)
    assert.equal(b.offers.length, 1)
  })

  it('a name with tricks in it is shown without them', async () => {
    const b = createTestPeer()
    const raw = rawSender(b)
    await raw.json(goodOffer({ name: '../../etc/\u202egpj.exe\u0000' }))
    assert.equal((await nextOffer(b)).name, '_.._etc_gpj.exe')
  })

  it('the ninth waiting offer of one peer and the 49th of strangers get LIMIT_REACHED, unless others have more waiting', async () => {
    const b = createTestPeer()
    const first = rawSender(b, 65_536, 'peer-0')
    await first.json(goodOffer())
    await nextOffer(b, 0)
    for (let i = 1; i < 48; i++) {
      await rawSender(b, 65_536, `peer-${Math.floor(i / 8)}`).json(goodOffer())
      await nextOffer(b, i)
      if (i !== 7) continue
      const ninth = rawSender(b, 65_536, 'peer-0')
      await ninth.json(goodOffer())
      assert.deepEqual(await ninth.next(), { kind: 'stop', code: 'LIMIT_REACHED' })
    }
    await rawSender(b, 65_536, 'peer-new').json(goodOffer())
    await nextOffer(b, 48)
    assert.deepEqual(await first.next(), { kind: 'stop', code: 'LIMIT_REACHED' }, 'the oldest of those who have most makes room')
    const waiting = () => b.service.transfers().filter(({ status }) => status === 'offered').length
    assert.equal(waiting(), 48)
    for (let i = 1; i < 6; i++) {
      await rawSender(b, 65_536, 'peer-new').json(goodOffer())
      await nextOffer(b, 48 + i)
      await waitUntil(() => waiting() === 48, { what: 'another offer to make room' })
    }
    // Six of 48 and six of 42 among six others: everybody has as many now, to one.
    const last = rawSender(b, 65_536, 'peer-new')
    await last.json(goodOffer())
    assert.deepEqual(await last.next(), { kind: 'stop', code: 'LIMIT_REACHED' })
    assert.equal(waiting(), 48)
  })

  it('offers that come and go push no more than 20 entries into the history', async () => {
    const b = createTestPeer()
    for (let i = 0; i < 60; i++) {
      const raw = rawSender(b)
      await raw.json(goodOffer())
      const { id } = await nextOffer(b, i)
      raw.stream.abort('gone')
      await waitUntil(() => b.changes.some((info) => info.id === id && info.status === 'failed'), { what: 'the end of the offer' })
    }
    assert.equal(b.service.transfers().length, 20)
    await waitUntil(async () => (await b.records.list('transfer')).length === 20, { what: 'the records to be trimmed too' })
  })

  it('a sender that never finishes its offer is cut after 15 s, one that stalls in the middle after 60 s, for as long as it does not come back', async () => {
    const { clock, fire } = handClock()
    const b = createTestPeer({ clock })
    const silent = rawSender(b)
    await fire(15_000)
    assert.deepEqual(await silent.next(), { kind: 'stop', code: 'TIMEOUT' })
    const { id, raw } = await acceptedSender(b, goodOffer())
    await fire(60_000)
    await assert.rejects(raw.stream.closed)
    await fire(RESUME_MS)
    await turned(b, id, 'waiting')
  })

  it('an offer that nobody answers ends after 10 minutes, with a sign of life every 20 s', async () => {
    const { clock, fire } = handClock()
    const b = createTestPeer({ clock })
    const raw = rawSender(b)
    await raw.json(goodOffer())
    const { id } = await nextOffer(b)
    await fire(20_000)
    assert.deepEqual(await raw.next(), { kind: 'wait' })
    await fire(20_000)
    assert.deepEqual(await raw.next(), { kind: 'wait' })
    await fire(600_000)
    assert.deepEqual(await raw.next(), { kind: 'stop', code: 'TIMEOUT' })
    assert.equal((await ended(b, id)).problem?.code, 'TIMEOUT')
  })
})
