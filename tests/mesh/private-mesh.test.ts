/** Private meshes between real peers over a real relay: make one, invite, join while the owner is away, several at once, roles, removal. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { MeshInfo } from '../../src/core/meshes.ts'
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
})
