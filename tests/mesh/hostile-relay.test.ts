/** What a relay that keeps everything and lies about everything can do to a private mesh: deny service, and nothing else. Each attack runs against real peers and ends with a documented code. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { verifyChain } from '../../src/access/membership.ts'
import { readDocument } from '../../src/access/profile.ts'
import { signRecord } from '../../src/discovery/registry/record.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { loadMeshes } from '../../src/mesh/meshes/kept.ts'
import { fromBase64url, toBase64url } from '../../src/shared/bytes.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { silentLog } from '../../src/shared/log.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type House, joined, members, meshOf, openHouse, type Person } from '../support/hostile-house.ts'
import { type Frame, type HostileRelay, type Kept, startHostileRelay } from '../support/hostile-relay.ts'
import type { TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'
import { countingWrong, forge, multihash, readable } from './hostile-lies.ts'

describe('a relay that keeps everything and lies', () => {
  let house: House
  let relay: HostileRelay
  const start: House['start'] = (...args) => house.start(...args)
  const refusals = (person: Person, event: string) => house.codes(person, event)
  const saw = (t: string, peer?: TestPeer): Frame[] =>
    relay.kept.filter((one) => one.frame.t === t && (!peer || one.peer === peer.mesh.peer)).map(({ frame }) => frame)
  const readKey = async ({ records, identity }: Person, id: string) => {
    const mesh = (await loadMeshes(records, identity, Date.now(), silentLog())).find((one) => one.id === id)
    return mesh?.keys.get(mesh.profile?.epoch ?? 0) as Uint8Array<ArrayBuffer>
  }
  beforeEach(async () => {
    house = await openHouse()
    relay = house.relay
  })
  afterEach(() => house.close())

  it('gets in with none of the tokens it keeps, and reads no key, name, role or seed', async () => {
    const [ana, ben] = [await start('Anastasia'), await start('Benjamin')]
    const id = await ana.mesh.meshes.create('Grandfamily')
    const { link } = await ana.mesh.meshes.invite(id, { uses: 2, label: 'Zebralabel' })
    await ben.mesh.meshes.join(link)
    await joined(ben, id)
    const [claim] = saw('claim', ben)
    assert.ok(claim)
    const { token, nonce, signature } = claim as { token: string; nonce: string; signature: string }
    const sealing = { key: toBase64url(relay.identity.sealing.publicKey), signature: toBase64url(relay.identity.sealing.signature) }
    const forged = toBase64url(await relay.identity.sign(fromBase64url(nonce) as Uint8Array))
    // As Ben's claim with its own sealing key, as its own claim with his signature, and as its own with a signature it can make.
    relay.say(PROTOCOL.invite, ana.mesh.peer, { t: 'waiting', peer: relay.peer, token, nonce, signature, sealing })
    relay.say(PROTOCOL.invite, ana.mesh.peer, { t: 'waiting', peer: relay.peer, token, nonce, signature: forged, sealing })
    await waitUntil(() => refusals(ana, 'mesh.claim.refused').length === 2, { what: 'both claims to be refused' })
    assert.deepEqual(refusals(ana, 'mesh.claim.refused'), ['INVITE_INVALID', 'INVITE_INVALID'])
    assert.deepEqual(members(ana, id), [ana.mesh.peer, ben.mesh.peer])
    const mine = relay.kept.filter(({ frame, protocol }) => protocol === PROTOCOL.invite || frame.mesh === id)
    const [lobby, all] = [readable(relay.kept), readable(mine)]
    assert.ok(lobby.includes('Anastasia') && all.includes(token) && all.includes('dmesh-presence+jwt'), 'the search finds what is there')
    const secrets = [link.slice(-43), toBase64url(await readKey(ana, id)), 'Grandfamily', 'Zebralabel', 'Anastasia', 'Benjamin', '"member"']
    for (const secret of secrets) assert.ok(!all.includes(secret), secret)
  })

  it('seals nothing to itself in the name of a joiner', async () => {
    const ana = await start('Ana')
    const id = await ana.mesh.meshes.create('Family')
    const { link } = await ana.mesh.meshes.invite(id)
    const sealing = { key: toBase64url(relay.identity.sealing.publicKey), signature: toBase64url(relay.identity.sealing.signature) }
    // The joiner's claim reaches the owner with the relay's sealing key in it.
    relay.twist = ({ frame, way }) => [way === 'down' && frame.t === 'waiting' ? { ...frame, sealing } : frame]
    const ben = await start('Ben')
    await ben.mesh.meshes.join(link)
    await waitUntil(() => meshOf(ben, id)?.problem, { what: 'Ben to be told' })
    assert.equal(meshOf(ben, id)?.problem?.code, 'INVITE_INVALID')
    assert.deepEqual(members(ana, id), [ana.mesh.peer])
  })

  it('lets more in than an invite says: the owner counts too', async () => {
    const [ana, ben, cleo] = [await start('Ana'), await start('Ben'), await start('Cleo')]
    const id = await ana.mesh.meshes.create('Family')
    const { link } = await ana.mesh.meshes.invite(id)
    await ben.mesh.meshes.join(link)
    await joined(ben, id)
    relay.twist = countingWrong(relay, cleo, ana)
    await cleo.mesh.meshes.join(link)
    await waitUntil(() => meshOf(cleo, id)?.problem, { what: 'Cleo to be told' })
    assert.equal(meshOf(cleo, id)?.problem?.code, 'INVITE_USED')
    assert.equal(meshOf(cleo, id)?.status, 'waiting')
    assert.deepEqual(members(ana, id), [ana.mesh.peer, ben.mesh.peer])
  })

  it('says yes by itself, with documents it made or found: nobody is in by that', async () => {
    const ana = await start('Ana')
    const id = await ana.mesh.meshes.create('Family')
    const other = await ana.mesh.meshes.create('Other')
    const { link } = await ana.mesh.meshes.invite(id, { uses: 2 })
    await waitUntil(() => saw('put', ana).length >= 2, { what: 'both documents at the relay' })
    const desks = saw('desk', ana) as unknown as { mesh: string; chain: string[] }[]
    const by = desks.find(({ mesh }) => mesh === id)?.chain ?? []
    assert.ok(await verifyChain(relay.identity.verify, id, by, Date.now()))
    for (const lie of ['made', 'found'] as const) {
      const ben = await start('Ben')
      const found = saw('put', ana).find(({ document }) => readDocument(document as string).mesh === other) as Frame
      const made = await forge(relay.identity, ben.identity, id, by)
      relay.twist = ({ frame, way, peer }) => {
        if (peer !== ben.mesh.peer || way !== 'down' || frame.t !== 'ok') return [frame]
        return [frame, { t: 'answer' }, { t: 'documents', seq: 9, document: lie === 'made' ? made : found.document, removed: '' }]
      }
      // The owner hears nothing of it.
      await ben.mesh.meshes.join(link)
      await waitUntil(() => meshOf(ben, id)?.problem || meshOf(ben, id)?.status === 'joined', { what: 'an end' })
      assert.deepEqual([meshOf(ben, id)?.status, meshOf(ben, id)?.problem?.code], ['waiting', 'WRONG_MESH'], lie)
    }
  })

  it('goes back to an old document: whoever saw a newer one stays there, also after a restart', async () => {
    const [ana, ben, cleo] = [await start('Ana'), await start('Ben'), await start('Cleo')]
    const id = await ana.mesh.meshes.create('Family')
    const { link } = await ana.mesh.meshes.invite(id, { uses: 2 })
    await ben.mesh.meshes.join(link)
    await cleo.mesh.meshes.join(link)
    await Promise.all([joined(ben, id), joined(cleo, id)])
    await waitUntil(() => members(cleo, id)?.length === 3, { what: 'Cleo to see three' })
    const old = saw('put', ana).at(-1) as Frame
    const back = { t: 'documents', seq: old.seq, document: old.document, removed: '' }
    // From now on Ben hears nothing, and everybody else what was before.
    const withheld = (kept: Kept): readonly Frame[] =>
      kept.way === 'down' && kept.peer === ben.mesh.peer && kept.protocol === PROTOCOL.invite ? [] : [kept.frame]
    relay.twist = withheld
    await ana.mesh.meshes.remove(id, ben.mesh.peer)
    await waitUntil(() => meshOf(cleo, id)?.epoch === 2, { what: 'Cleo to have the new key' })
    relay.twist = (kept) =>
      kept.way === 'down' && (kept.frame.t === 'documents' || kept.frame.t === 'ok')
        ? [kept.frame.t === 'ok' ? { ...kept.frame, seq: 0 } : back]
        : withheld(kept)
    for (const person of [ana, cleo]) {
      for (const seq of [old.seq, Number.MAX_SAFE_INTEGER]) relay.say(PROTOCOL.invite, person.mesh.peer, { ...back, seq })
    }
    const later = await cleo.again()
    await waitUntil(() => saw('desk', later).length >= 2, { what: 'Cleo to come back' })
    relay.say(PROTOCOL.invite, later.mesh.peer, back)
    await ana.mesh.meshes.rename(id, 'Kin')
    relay.twist = withheld
    await waitUntil(() => meshOf(later, id)?.name === 'Kin' || saw('put', ana).length > 0, { what: 'a change to go on' })
    for (const person of [ana, later]) {
      assert.deepEqual([meshOf(person, id)?.epoch, members(person, id)], [2, [ana.mesh.peer, cleo.mesh.peer]])
      assert.ok(!person.mesh.peers.some((peer) => peer.id === ben.mesh.peer && peer.meshes.includes(id)), 'Ben counts for nothing')
    }
  })

  it('repeats and delays every frame: each joiner is in once', async () => {
    const held: (() => void)[] = []
    relay.twist = ({ frame, way, peer, protocol }) => {
      if (protocol !== PROTOCOL.invite || way === 'up' || frame.t === 'ok') return [frame]
      // Twice now, and once more when everything is over.
      held.push(() => relay.say(protocol, peer, frame))
      return [frame, frame]
    }
    const [ana, ben] = [await start('Ana'), await start('Ben')]
    const id = await ana.mesh.meshes.create('Family')
    const { link } = await ana.mesh.meshes.invite(id, { uses: 2 })
    await ben.mesh.meshes.join(link)
    await joined(ben, id)
    for (const again of held.toReversed()) again()
    await ana.mesh.meshes.rename(id, 'Kin')
    await waitUntil(() => meshOf(ben, id)?.name === 'Kin', { what: 'Ben to follow' })
    assert.equal((await ana.mesh.meshes.invites(id))[0]?.used, 1)
    assert.deepEqual(members(ben, id), [ana.mesh.peer, ben.mesh.peer])
  })

  it('puts itself or a stranger into the roster of a mesh, with its own record or a stolen one: neither appears there', async () => {
    const [ana, ben, cleo] = [await start('Ana'), await start('Ben'), await start('Cleo')]
    const id = await ana.mesh.meshes.create('Family')
    await ben.mesh.meshes.join((await ana.mesh.meshes.invite(id)).link)
    await joined(ben, id)
    const record = await waitUntil(
      () => relay.kept.find(({ frame, peer, protocol }) => protocol === PROTOCOL.presence && peer === ben.mesh.peer && frame.mesh === id),
      { what: 'Ben in the roster' },
    )
    const [now, common] = [
      Math.floor(Date.now() / 1000),
      { aud: relay.peer, mesh: id, instance: 'x'.repeat(16), start: 1, seq: 1, name: 'Ben', kind: 'cli' },
    ]
    const own = await signRecord(relay.identity, { ...common, iss: relay.peer, iat: now, exp: now + 60 })
    const other = await signRecord(cleo.identity, { ...common, iss: cleo.mesh.peer, iat: now, exp: now + 60 })
    const posed = await signRecord(relay.identity, { ...common, iss: ben.mesh.peer, start: Number.MAX_SAFE_INTEGER, iat: now, exp: now + 60 })
    for (const jws of [own, other, posed, record.frame.record]) relay.say(PROTOCOL.presence, ana.mesh.peer, { t: 'record', record: jws })
    await waitUntil(() => refusals(ana, 'presence.record.refused').includes('BAD_RECORD'), { what: 'a record to be refused' })
    await waitUntil(() => ana.mesh.peers.some((peer) => peer.id === ben.mesh.peer && peer.meshes.includes(id)), { what: 'Ben to be there' })
    assert.deepEqual(
      ana.mesh.peers.filter(({ meshes }) => meshes.includes(id)).map((peer) => peer.id),
      [ben.mesh.peer],
    )
    assert.deepEqual(members(ana, id), [ana.mesh.peer, ben.mesh.peer])
  })

  it('connects a caller to somebody else, then plays what was said again: nobody poses as another, each message comes once', async () => {
    const [anaKey, benKey, cleo] = [await createEphemeralIdentity(), await createEphemeralIdentity(), await start('Cleo')]
    // Whoever of the two calls first: a connection that the other side made would be a good one.
    relay.swap = [anaKey, benKey].map(({ peer }) => ({ from: multihash(peer), to: multihash(cleo.mesh.peer) }))
    const [ana, ben] = [await start('Ana', { identity: anaKey }), await start('Ben', { identity: benKey })]
    await waitUntil(() => ana.mesh.peers.length === 2, { what: 'Ana to see both' })
    await assert.rejects(
      ana.mesh.open(ben.mesh.peer, PROTOCOL.echo, { signal: AbortSignal.timeout(4000) }),
      (error) => codeOf(error) === 'KEY_MISMATCH',
    )
    await ana.mesh.send(ben.mesh.peer, 'chat', 'for Ben alone 4711')
    relay.swap = undefined
    const got = (person: Person) => person.mesh.state.messages.filter(({ text }) => text === 'for Ben alone 4711').length
    await waitUntil(() => got(ben) === 1, { ms: 30_000, what: 'Ben to have it' })
    const said = relay.circuits.get(ana.mesh.peer) ?? []
    assert.ok(said.length > 0, 'the relay kept what went through it')
    assert.ok(!Buffer.concat([...said, ...(relay.circuits.get(ben.mesh.peer) ?? [])]).includes('4711'))
    const answer = await relay.replay({ multihash: multihash(ana.mesh.peer), peer: ana.mesh.peer }, ben.mesh.peer)
    assert.ok(!Buffer.from(answer).includes('/dmesh/'), 'no protocol is spoken with it')
    assert.equal(got(ben), 1)
    assert.equal(got(cleo), 0)
  })

  it('is another relay than the one that counts', async () => {
    const ana = await start('Ana')
    const id = await ana.mesh.meshes.create('Family')
    const { link } = await ana.mesh.meshes.invite(id)
    const other = await startHostileRelay()
    try {
      const ben = await start('Ben', { relay: other })
      await assert.rejects(ben.mesh.meshes.join(link), (error) => codeOf(error) === 'KEY_MISMATCH')
      assert.equal(other.kept.filter(({ frame }) => frame.t === 'claim').length, 0, 'it never saw the claim')
      await ben.close()
    } finally {
      await other.close()
    }
  })
})
