/** What members of a private mesh hear from each other, at a relay that withholds what it likes: new read keys, removals, leaves, names. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type House, joined, members, meshOf, openHouse, type Person } from '../support/hostile-house.ts'
import type { Frame, Kept } from '../support/hostile-relay.ts'
import { waitUntil } from '../support/wait.ts'

describe('members of a private mesh', () => {
  let house: House
  beforeEach(async () => {
    house = await openHouse()
  })
  afterEach(() => house.close())
  const mesh = async (owner: Person, ...others: readonly Person[]): Promise<string> => {
    const id = await owner.mesh.meshes.create('Family')
    const { link } = await owner.mesh.meshes.invite(id, { uses: 9 })
    for (const other of others) await other.mesh.meshes.join(link)
    for (const other of others) await joined(other, id)
    for (const other of others) await waitUntil(() => members(other, id)?.length === others.length + 1, { what: 'everybody to be in' })
    return id
  }
  /** The desk gives these people nothing but an ok any more. */
  const withhold = (...from: readonly Person[]) => {
    const peers = from.map((person) => person.mesh.peer)
    house.relay.twist = ({ frame, way, peer, protocol }: Kept): readonly Frame[] =>
      protocol !== PROTOCOL.invite || way === 'up' || !peers.includes(peer) || frame.t === 'done'
        ? [frame]
        : frame.t === 'ok'
          ? [{ ...frame, seq: 0 }]
          : []
  }

  it('who was away while somebody was removed gets the new key from a member, though the relay keeps it back', async () => {
    const [ana, ben, cleo] = [await house.start('Ana'), await house.start('Ben'), await house.start('Cleo')]
    const id = await mesh(ana, ben, cleo)
    await cleo.close()
    withhold(cleo)
    await ana.mesh.meshes.remove(id, ben.mesh.peer)
    await waitUntil(() => meshOf(ben, id)?.status === 'removed', { what: 'Ben to be told' })
    const back = await cleo.again()
    await waitUntil(() => meshOf(back, id)?.epoch === 2, { what: 'Cleo to have the new key' })
    assert.deepEqual(members(back, id), [ana.mesh.peer, cleo.mesh.peer])
    const got = house.relay.kept.filter(({ peer, way, frame }) => way === 'down' && peer === cleo.mesh.peer && frame.t === 'documents')
    assert.ok(got.length > 0, 'the honest half of the relay had it for her all along')
  })

  it('a member who is no owner hands it on, and tells whoever was removed', async () => {
    const [ana, ben, cleo, dora] = [await house.start('Ana'), await house.start('Ben'), await house.start('Cleo'), await house.start('Dora')]
    const id = await mesh(ana, ben, cleo, dora)
    await Promise.all([ben.close(), cleo.close()])
    withhold(ben, cleo)
    await ana.mesh.meshes.remove(id, ben.mesh.peer)
    await waitUntil(() => meshOf(dora, id)?.epoch === 2, { what: 'Dora to have it' })
    await ana.close()
    const [out, back] = [await ben.again(), await cleo.again()]
    await waitUntil(() => meshOf(back, id)?.epoch === 2, { what: 'Cleo to have the new key' })
    await waitUntil(() => meshOf(out, id)?.status === 'removed', { what: 'Ben to hear of it' })
  })

  it('whoever leaves is gone for all, who then have a new key; the leave is worth nothing after a return', async () => {
    const [ana, ben, cleo] = [await house.start('Ana'), await house.start('Ben'), await house.start('Cleo')]
    const id = await mesh(ana, ben, cleo)
    await ben.mesh.meshes.leave(id)
    assert.deepEqual(ben.mesh.state.meshes, [])
    for (const person of [ana, cleo])
      await waitUntil(() => members(person, id)?.join() === [ana.mesh.peer, cleo.mesh.peer].join() && meshOf(person, id)?.epoch === 2, {
        what: 'Ben to be gone',
      })
    await ben.mesh.meshes.join((await ana.mesh.meshes.invite(id)).link)
    await joined(ben, id)
    const { frame } = house.relay.kept.find((one) => one.way === 'up' && one.frame.t === 'leave') as Kept
    for (const peer of [ben.mesh.peer, cleo.mesh.peer]) house.relay.say(PROTOCOL.invite, ana.mesh.peer, { t: 'leaving', peer, leave: frame.leave })
    await waitUntil(() => house.codes(ana, 'mesh.leave.refused').length === 2, { what: 'both to be refused' })
    assert.deepEqual(house.codes(ana, 'mesh.leave.refused'), ['WRONG_MESH', 'WRONG_MESH'])
    assert.equal(members(ana, id)?.length, 3)
  })

  it('a leave waits for an owner who is away', async () => {
    const [ana, ben] = [await house.start('Ana'), await house.start('Ben')]
    const id = await mesh(ana, ben)
    await ana.close()
    await ben.mesh.meshes.leave(id)
    const back = await ana.again()
    await waitUntil(() => members(back, id)?.length === 1, { what: 'Ben to be gone' })
  })

  it('names are there within five seconds, also for whoever has none of the keys of before', async () => {
    const [ana, ben, cleo] = [await house.start('Ana'), await house.start('Ben'), await house.start('Cleo')]
    const id = await mesh(ana, ben, cleo)
    await ana.mesh.meshes.remove(id, cleo.mesh.peer)
    await waitUntil(() => meshOf(ben, id)?.epoch === 2, { what: 'a new key' })
    const dora = await house.start('Dora')
    await dora.mesh.meshes.join((await ana.mesh.meshes.invite(id)).link)
    // By what is sealed in this mesh alone: the lobby says the same names aloud.
    house.relay.twist = ({ frame, way, protocol }) =>
      protocol === PROTOCOL.presence && way === 'down' && JSON.stringify(frame).includes('lobby') ? [] : [frame]
    await joined(dora, id)
    const names = () => meshOf(dora, id)?.members.map(({ name }) => name)
    await waitUntil(() => names()?.join() === 'Ana,Ben,Dora', { ms: 5000, what: 'the names' })
    await waitUntil(
      () =>
        meshOf(ana, id)
          ?.members.map(({ name }) => name)
          .join() === 'Ana,Ben,Dora',
      { ms: 5000, what: 'the newcomer by name' },
    )
  })
})
