/** A relay without a lobby, as on a public address: it serves the meshes its operator granted, their invitees get in, and strangers hear why not. Members of two meshes meet nowhere on it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

const MAY = 'relay.reserve,relay.hop,presence.join,pubsub'
const relayOf = ({ mesh }: TestPeer) => mesh.state.relays[0]
const meshOf = ({ mesh }: TestPeer, id: string) => mesh.state.meshes.find((one) => one.id === id)
const reserved = (peer: TestPeer) => waitUntil(() => relayOf(peer)?.status === 'reserved', { what: 'a place at the relay' })
const refused = (peer: TestPeer) => waitUntil(() => relayOf(peer)?.status === 'refused', { what: 'the relay to refuse' })
const sees = (peer: TestPeer, other: TestPeer, id: string) =>
  waitUntil(() => peer.mesh.peers.find((one) => one.id === other.mesh.peer && one.path !== 'away' && one.meshes.includes(id)), {
    what: 'to see a member',
  })

describe('a private mesh on a relay without a lobby', () => {
  let relay: RelayProcess
  const peers: TestPeer[] = []
  const start = async (name: string) => {
    const peer = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name })
    peers.push(peer)
    return peer
  }
  const grant = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await relay.run('grant', ...args)
    assert.equal(code, 0, err)
    return out.trim()
  }
  /** Makes a mesh that the operator then grants this relay to, and waits until its maker has a place by that. */
  const found = async (name: string, mesh: string) => {
    const owner = await start(name)
    await refused(owner)
    const id = await owner.mesh.meshes.create(mesh)
    const row = await grant(`mesh:${id}`, MAY, '--label', 'A family')
    await reserved(owner)
    return { owner, id, row }
  }
  const join = async (name: string, owner: TestPeer, id: string) => {
    const peer = await start(name)
    await peer.mesh.meshes.join((await owner.mesh.meshes.invite(id)).link)
    await waitUntil(() => meshOf(peer, id)?.status === 'joined', { what: `${name} to be in` })
    await reserved(peer)
    return peer
  }
  before(async () => {
    relay = await startRelayProcess({ args: ['--no-lobby', '--udp', 'off', '--stun', 'off'] })
  })
  after(async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    await relay.stop()
  })

  it('reserves and hops for members of a mesh that was granted it; a stranger is refused with a code', async () => {
    const { owner: ana, id } = await found('Ana', 'Family')
    const ben = await join('Ben', ana, id)
    await Promise.all([sees(ana, ben, id), sees(ben, ana, id)])
    await ben.mesh.send(ana.mesh.peer, 'chat', 'over a relay without a lobby')
    await waitUntil(() => ana.mesh.state.messages.some(({ text }) => text === 'over a relay without a lobby'), { what: 'the message' })
    const eve = await start('Eve')
    await refused(eve)
    assert.equal(relayOf(eve)?.problem?.code, 'ACCESS_DENIED')
    await assert.rejects(eve.mesh.open(ana.mesh.peer, PROTOCOL.echo, { signal: AbortSignal.timeout(5_000) }), (error) =>
      ['ACCESS_DENIED', 'PEER_UNREACHABLE', 'NO_ROUTE'].includes(codeOf(error)),
    )
    assert.deepEqual(eve.mesh.peers, [])
  })

  it('lets members of two meshes meet nowhere on it', async () => {
    const [red, blue] = [await found('Rita', 'Red'), await found('Blanca', 'Blue')]
    const [rob, bob] = [await join('Rob', red.owner, red.id), await join('Bob', blue.owner, blue.id)]
    await Promise.all([sees(rob, red.owner, red.id), sees(bob, blue.owner, blue.id)])
    for (const [peer, mate] of [
      [rob, red.owner],
      [bob, blue.owner],
    ] as const) {
      assert.deepEqual(
        peer.mesh.peers.map(({ id }) => id),
        [mate.mesh.peer],
      )
    }
  })

  it('gives a mesh of strangers no place, and those of a revoked one lose theirs', async () => {
    const { owner: ana, id, row } = await found('Anna', 'Club')
    const ben = await join('Benno', ana, id)
    const eve = await start('Evelyn')
    await refused(eve)
    const own = await eve.mesh.meshes.create('Nobody')
    await waitUntil(async () => (await eve.mesh.meshes.invite(own).catch(() => undefined)) !== undefined, { what: 'an invite' })
    assert.equal(relayOf(eve)?.status, 'refused', 'a mesh alone opens nothing')
    await ana.mesh.meshes.remove(id, ben.mesh.peer)
    await waitUntil(() => meshOf(ben, id)?.status === 'removed', { what: 'Benno to be told' })
    await refused(ben)
    const { code, err } = await relay.run('revoke', row)
    assert.equal(code, 0, err)
    await refused(ana)
    assert.equal(relayOf(ana)?.problem?.code, 'ACCESS_DENIED')
  })
})
