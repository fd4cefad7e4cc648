/** A peer that lies, floods, or never reads: what it gets is a code, what it costs is bounded, and the others go on. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { encodeFrame, encodeJsonFrame } from '../../src/wire/frame.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTwo } from '../support/test-mesh.ts'
import { waitForStandstill, waitUntil } from '../support/wait.ts'

describe('a hostile peer', () => {
  let two: Awaited<ReturnType<typeof startTwo>>
  before(async () => {
    two = await startTwo()
  })
  after(() => two.close())

  const send = async (bytes: Uint8Array) => {
    const stream = await two.a.mesh.open(two.b.mesh.peer, PROTOCOL.message)
    const writer = stream.writable.getWriter()
    await writer.write(bytes).catch(() => undefined)
    return stream.closed.then(
      () => 'ended',
      (error) => codeOf(error),
    )
  }

  it('with another key at its address is refused with KEY_MISMATCH', async () => {
    const other = await createEphemeralIdentity()
    const address = two.b.address.replace(two.b.mesh.peer, other.peer)
    await assert.rejects(two.a.mesh.connect(address), (error) => codeOf(error) === 'KEY_MISMATCH' && String(error).includes(other.peer))
  })

  it('learns the code of each bad message', async () => {
    const header = (fields: object) => encodeJsonFrame({ v: 1, id: 'aaaaaaaa', topic: 'chat', at: 1, as: 't', ...fields })
    assert.equal(await send(encodeFrame(new Uint8Array(2000))), 'FRAME_TOO_LARGE')
    assert.equal(await send(Uint8Array.of(0x80, 0x00)), 'BAD_VARINT')
    assert.equal(await send(encodeFrame(Buffer.from('{'))), 'BAD_FRAME')
    assert.equal(await send(header({ v: 9 })), 'UNKNOWN_VERSION')
    assert.equal(await send(header({ topic: '' })), 'BAD_FRAME')
    assert.equal(await send(header({ extra: 1 })), 'BAD_FRAME')
  })

  it('that opens 10 000 streams is cut at the cap and others still get through', async () => {
    const opened = await Promise.allSettled(Array.from({ length: 10_000 }, () => two.a.mesh.open(two.b.mesh.peer, PROTOCOL.echo)))
    const live = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const open = new Set(live)
    for (const stream of live)
      stream.closed.then(
        () => open.delete(stream),
        () => open.delete(stream),
      )
    await waitUntil(() => open.size <= 256, { ms: 5000, what: 'the flood to be cut to 256 streams' })
    for (const stream of live) stream.abort()
    await waitUntil(() => two.b.mesh.send(two.a.mesh.peer, 'chat', 'still here').then(Boolean), { ms: 2000, what: 'a message' })
    await waitUntil(() => two.b.mesh.state.messages.some(({ text, status }) => text === 'still here' && status === 'delivered'), {
      ms: 5000,
      what: 'its receipt',
    })
  })

  it('that never reads costs the sender at most 8 MiB and is cut when told to', async () => {
    await two.b.mesh.handle('/x/never/1.0.0', () => new Promise(() => undefined))
    const stream = await two.a.mesh.open(two.b.mesh.peer, '/x/never/1.0.0')
    const writer = stream.writable.getWriter()
    let taken = 0
    const pump = (async () => {
      for (;;) {
        await writer.write(new Uint8Array(65_536))
        taken += 65_536
      }
    })().catch((error) => codeOf(error))
    await waitForStandstill(
      () => taken,
      () => two.a.mesh.ping(two.b.mesh.peer),
      { ms: 10_000, what: 'the writer to stand still' },
    )
    assert.ok(taken <= 8 * 1024 * 1024, `${taken} bytes`)
    stream.abort()
    assert.notEqual(await pump, 'INTERNAL')
  })
})
