/** Private meshes between real peers over a real relay: make one, invite, join while the owner is away, several at once, roles, removal. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { MeshInfo } from '../../src/core/meshes.ts'
import { createPresence } from '../../src/discovery/registry/client.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { createMemoryFiles, createMemoryRecords } from '../../src/storage/memory.ts'
import { createSha256 } from '../../src/storage/sha256.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

type Relay = Awaited<ReturnType<typeof startTestRelay>>

const meshOf = ({ mesh }: TestPeer, id: string): MeshInfo | undefined => mesh.state.meshes.find((one) => one.id === id)
const joined = (peer: TestPeer, id: string) => waitUntil(() => meshOf(peer, id)?.status === 'joined', { what: 'to be in' })
const sees = (peer: TestPeer, other: TestPeer, id: string) =>
  waitUntil(() => peer.mesh.peers.find((one) => one.id === other.mesh.peer && one.path !== 'away' && one.meshes.includes(id)), {
    what: 'to see a member',
  })

describe('a private mesh', () => {
  let relay: Relay
  let origin: string
  const peers: TestPeer[] = []
  const start = async (name: string, options: Partial<Parameters<typeof startTestPeer>[0]> = {}) => {
    const peer = await startTestPeer({ origin, name, ...options })
    peers.push(peer)
    await waitUntil(() => peer.mesh.state.relays[0]?.status === 'reserved', { what: `${name} at the relay` })
    return peer
  }
  before(async () => {
    relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
    origin = `http://127.0.0.1:${relay.port}`
  })
  after(async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    await relay.end()
  })

  it('create, invite, join: both are members and see each other by name', async () => {
    const [ana, ben] = [await start('Ana'), await start('Ben')]
    const id = await ana.mesh.meshes.create('Family')
    const invite = await ana.mesh.meshes.invite(id)
    const look = await ben.mesh.meshes.look(invite.link)
    assert.deepEqual(
      { mesh: look.mesh, name: look.meshName, from: look.from, role: look.role },
      { mesh: id, name: 'Family', from: 'Ana', role: 'member' },
    )
    assert.equal(await ben.mesh.meshes.join(invite.link), id)
    await joined(ben, id)
    assert.equal((await sees(ana, ben, id)).name, 'Ben')
    assert.equal((await sees(ben, ana, id)).name, 'Ana')
    assert.deepEqual(
      meshOf(ben, id)?.members.map(({ name, role, here }) => ({ name, role, here })),
      [
        { name: 'Ana', role: 'owner', here: true },
        { name: 'Ben', role: 'member', here: true },
      ],
    )
    assert.equal((await ana.mesh.meshes.invites(id))[0]?.used, 1)
  })

  it('a joiner waits while no owner is here, and is in when one comes back; then removal cuts it off', async () => {
    const [identity, records] = [await createEphemeralIdentity(), createMemoryRecords()]
    const own = async (): Promise<TestPeer> => {
      const message = await createMessages({ records })
      const files = await createFiles({ files: createMemoryFiles(), records, sha256: createSha256 })
      const presence = createPresence({ name: 'Ana', kind: 'cli', records })
      return start('Ana', { parts: { identity, records, protocols: { message, files, presence } } })
    }
    const first = await own()
    const id = await first.mesh.meshes.create('Club')
    const { link } = await first.mesh.meshes.invite(id, { uses: 2 })
    await first.close()
    const [ben, cleo] = [await start('Ben'), await start('Cleo')]
    await ben.mesh.meshes.join(link)
    await waitUntil(() => meshOf(ben, id), { what: 'Ben to see that he waits' })
    assert.deepEqual([meshOf(ben, id)?.status, meshOf(ben, id)?.waitingFor], ['waiting', 'Ana'])
    const ana = await own()
    await joined(ben, id)
    await cleo.mesh.meshes.join(link)
    await joined(cleo, id)
    await sees(cleo, ben, id)
    const dora = await start('Dora')
    await assert.rejects(dora.mesh.meshes.join(link), (error) => codeOf(error) === 'INVITE_USED')
    await ana.mesh.meshes.remove(id, ben.mesh.peer)
    await waitUntil(() => meshOf(ben, id)?.status === 'removed', { what: 'Ben to be told' })
    await waitUntil(() => meshOf(cleo, id)?.epoch === 2, { what: 'Cleo to have the new key' })
    assert.ok(!cleo.mesh.peers.some((peer) => peer.id === ben.mesh.peer && peer.meshes.includes(id)))
  })

  it('several meshes at once, and nobody of another one', async () => {
    const [ana, ben, cleo] = [await start('Ana'), await start('Ben'), await start('Cleo')]
    const [red, blue] = [await ana.mesh.meshes.create('Red'), await ana.mesh.meshes.create('Blue')]
    await ben.mesh.meshes.join((await ana.mesh.meshes.invite(red)).link)
    await cleo.mesh.meshes.join((await ana.mesh.meshes.invite(blue)).link)
    await Promise.all([joined(ben, red), joined(cleo, blue)])
    await Promise.all([sees(ana, ben, red), sees(ana, cleo, blue)])
    assert.deepEqual(
      ben.mesh.state.meshes.map(({ id }) => id),
      [red],
    )
    assert.deepEqual(cleo.mesh.peers.find(({ id }) => id === ben.mesh.peer)?.meshes, ['lobby'])
  })

  it('an owner who is made a member stays in, here or away', async () => {
    const [identity, records] = [await createEphemeralIdentity(), createMemoryRecords()]
    const own = async (): Promise<TestPeer> => {
      const message = await createMessages({ records })
      const files = await createFiles({ files: createMemoryFiles(), records, sha256: createSha256 })
      return start('Ben', {
        parts: { identity, records, protocols: { message, files, presence: createPresence({ name: 'Ben', kind: 'cli', records }) } },
      })
    }
    const [ana, ben] = [await start('Ana'), await own()]
    const id = await ana.mesh.meshes.create('Chess')
    await ben.mesh.meshes.join((await ana.mesh.meshes.invite(id, { role: 'owner' })).link)
    await joined(ben, id)
    const mine = (peer: TestPeer) => [meshOf(peer, id)?.status, meshOf(peer, id)?.role]
    await waitUntil(() => mine(ben)[1] === 'owner', { what: 'Ben to own it' })
    await ana.mesh.meshes.setRole(id, ben.mesh.peer, 'member')
    await waitUntil(() => mine(ben)[1] === 'member' || mine(ben)[0] === 'removed', { what: 'Ben to hear of it' })
    assert.deepEqual(mine(ben), ['joined', 'member'])
    await ana.mesh.meshes.setRole(id, ben.mesh.peer, 'owner')
    await waitUntil(() => mine(ben)[1] === 'owner', { what: 'Ben to own it again' })
    await ben.close()
    await ana.mesh.meshes.setRole(id, ben.mesh.peer, 'guest')
    const back = await own()
    await waitUntil(() => mine(back)[1] === 'guest' || mine(back)[0] === 'removed', { what: 'Ben to hear of it later' })
    assert.deepEqual(mine(back), ['joined', 'guest'])
  })

  it('an invite that was taken back, and one of somebody who is no owner', async () => {
    const [ana, ben] = [await start('Ana'), await start('Ben')]
    const id = await ana.mesh.meshes.create('Gone')
    const invite = await ana.mesh.meshes.invite(id)
    await ana.mesh.meshes.withdraw(invite.id)
    await assert.rejects(ben.mesh.meshes.join(invite.link), (error) => codeOf(error) === 'INVITE_WITHDRAWN')
    await waitUntil(() => ben.mesh.state.meshes.length === 0, { what: 'nothing to be left of it' })
    await ben.mesh.meshes.join((await ana.mesh.meshes.invite(id)).link)
    await joined(ben, id)
    await assert.rejects(ben.mesh.meshes.invite(id), (error) => codeOf(error) === 'NOT_ADMITTER')
    await assert.rejects(ben.mesh.meshes.remove(id, ana.mesh.peer), (error) => codeOf(error) === 'NOT_ADMITTER')
  })
})
