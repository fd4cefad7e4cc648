/** A relay that lies to whoever asks the DHT: it can leave somebody unfound, and nothing else. The same relay telling the truth is the control. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { FindApi } from '../../src/core/find.ts'
import type { Identity } from '../../src/core/identity.ts'
import { keyOf, signEntry } from '../../src/discovery/kad/entry.ts'
import { createFind } from '../../src/discovery/kad/find.ts'
import { MAX_MESSAGE } from '../../src/discovery/kad/limits.ts'
import { decodeKad, encodeKad, type KadMessage } from '../../src/discovery/kad/wire.ts'
import { signRecord } from '../../src/discovery/registry/record.ts'
import { createRecordCheck } from '../../src/discovery/registry/record-check.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { toUtf8 } from '../../src/shared/bytes.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { createLog } from '../../src/shared/log.ts'
import { createFrameReader, encodeFrame } from '../../src/wire/frame.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTestMesh, type TestMesh } from '../support/test-mesh.ts'

describe('a relay that lies', () => {
  const events: { event: string; code: unknown }[] = []
  const ids: string[] = []
  const AT = ['/ip4/192.0.2.7/tcp/443/tls/ws']
  let [asker, liar]: TestMesh[] = []
  let [ben, relay, eve]: Identity[] = []
  let reply: (question: KadMessage) => Promise<Partial<KadMessage>> = async () => ({})
  let find: FindApi['find']
  let dialling: (address: string) => unknown = () => undefined
  let origin = 'http://127.0.0.1:1'
  before(async () => {
    ;[ben, relay, eve] = await Promise.all([createEphemeralIdentity(), createEphemeralIdentity(), createEphemeralIdentity()])
    const identity = await createEphemeralIdentity()
    asker = await startTestMesh(() => ids, { identity })
    liar = await startTestMesh(() => ids)
    ids.push(asker.mesh.peer, liar.mesh.peer)
    await liar.mesh.handle(PROTOCOL.kad, async (stream) => {
      const reader = createFrameReader(stream.readable)
      const writer = stream.writable.getWriter()
      for (let frame = await reader.read(MAX_MESSAGE); frame; frame = await reader.read(MAX_MESSAGE)) {
        const question = decodeKad(frame)
        await writer.write(encodeFrame(encodeKad({ ...question, closer: [], ...(await reply(question)) })))
      }
      await writer.close()
    })
    await asker.mesh.connect(liar.address)
    const { log } = createLog((_, event, { code }) => void events.push({ event, code }), { '*': 'debug' })
    const { mesh } = asker
    const { peer: liars } = liar.mesh
    const ground = {
      ...{ peer: mesh.peer, identity, clock: systemClock(), log, relays: () => [{ id: liars, origin }] },
      open: mesh.open,
      why: mesh.why,
      connect: (...args: Parameters<typeof mesh.connect>) => {
        dialling(args[0])
        return mesh.connect(...args)
      },
    }
    find = createFind(ground, createRecordCheck(identity.verify))
  })
  beforeEach(() => {
    events.length = 0
  })
  after(() => Promise.all([asker?.close(), liar?.close()]))

  const three = () => [ben, relay, eve] as [Identity, Identity, Identity]
  const record = async (of: Identity, at: Identity, iat = Math.floor(Date.now() / 1000)) =>
    signRecord(of, {
      iss: of.peer,
      aud: at.peer,
      mesh: 'lobby',
      name: 'Ben',
      kind: 'cli',
      instance: 'instance-1',
      start: 1,
      seq: 0,
      iat,
      exp: iat + 600,
    })
  const says = (value: Uint8Array) => {
    reply = async () => ({ value })
  }

  it('is believed what the peer and its relay signed', async () => {
    const [ben, relay] = three()
    says(await signEntry(relay, { s: 'peer', sub: ben.peer, at: AT, rec: await record(ben, relay) }, Date.now()))
    const [place] = await find(ben.peer)
    assert.deepEqual([place?.relay, place?.addresses], [relay.peer, [`${AT[0]}/p2p/${relay.peer}/p2p-circuit/p2p/${ben.peer}`]])
  })

  it('cannot say that somebody is at a relay of its own, keep an old truth, or swap an address', async () => {
    const [ben, relay, eve] = three()
    const rec = await record(ben, relay)
    const good = new TextDecoder().decode(await signEntry(relay, { s: 'peer', sub: ben.peer, at: AT, rec }, Date.now()))
    const [head, , tail] = good.split('.')
    const [, hers] = new TextDecoder()
      .decode(await signEntry(relay, { s: 'peer', sub: ben.peer, at: ['/ip4/192.0.2.9/tcp/1/ws'], rec }, Date.now()))
      .split('.')
    const lies: [Uint8Array, string][] = [
      [await signEntry(eve, { s: 'peer', sub: ben.peer, at: AT, rec }, Date.now()), 'BAD_RECORD'],
      [await signEntry(eve, { s: 'peer', sub: ben.peer, at: AT, rec: await record(eve, eve) }, Date.now()), 'BAD_RECORD'],
      [await signEntry(relay, { s: 'peer', sub: ben.peer, at: AT, rec }, Date.now() - 600_000), 'OLD_RECORD'],
      [toUtf8(`${head}.${hers}.${tail}`), 'BAD_RECORD'],
      [toUtf8('rubbish'), 'BAD_RECORD'],
    ]
    for (const [value, code] of lies) {
      says(value)
      assert.deepEqual(await find(ben.peer), [])
      assert.deepEqual(events.splice(0), [{ event: 'kad.entry.refused', code }])
    }
  })

  it('cannot pass itself off as another relay: the handshake proves who answers', async () => {
    const [ben, relay] = three()
    let asked = 0
    const key = keyOf('peer', ben.peer)
    reply = async (question) => {
      assert.equal(new TextDecoder().decode(question.key), key)
      asked++
      return { closer: [{ id: relay.peer, addresses: [(liar as TestMesh).address.replace(/\/p2p\/.*/, '')] }] }
    }
    assert.deepEqual(await find(ben.peer), [])
    assert.equal(asked, 1, 'it was asked under the other name too')
    assert.deepEqual(events, [{ event: 'kad.ask.failed', code: 'KEY_MISMATCH' }])
  })

  it('cannot make us knock at doors of our own network, unless our own relay is there too', async () => {
    const [ben, relay] = three()
    reply = async () => ({ closer: [{ id: relay.peer, addresses: ['/ip4/127.0.0.1/tcp/1/ws', '/ip4/192.168.1.1/tcp/80/ws', '/ip6/::1/tcp/1/ws'] }] })
    const told = async (at: string) => {
      origin = at
      const dials: string[] = []
      dialling = (address) => dials.push(address)
      assert.deepEqual(await find(ben.peer, { signal: AbortSignal.timeout(20_000) }), [])
      return dials.length
    }
    assert.equal(await told('https://relay.example'), 0)
    assert.equal(await told('http://dmesh.localhost:1'), 3)
  })

  it('that resets, answers rubbish or ends is one that knows nothing', async () => {
    const [ben] = three()
    reply = () => Promise.reject(new Error('no'))
    assert.deepEqual(await find(ben.peer), [])
    await assert.rejects(find(ben.peer, { connect: true }), (error) => codeOf(error) === 'PEER_UNREACHABLE')
  })
})
