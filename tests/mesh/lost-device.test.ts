/** A device is lost: its recovery words make another one owner of the meshes it made, and the lost one can be removed. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { joined, members, meshOf } from '../support/hostile-house.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

describe('a device that is lost', () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  const peers: TestPeer[] = []
  const start = async (name: string) => {
    const peer = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name })
    peers.push(peer)
    await waitUntil(() => peer.mesh.state.relays[0]?.status === 'reserved', { what: `${name} at the relay` })
    return peer
  }
  before(async () => {
    relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
  })
  after(async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    await relay.end()
  })

  it('loses no mesh: twelve words own them again, invite, and remove what was lost', async () => {
    const [old, ben] = [await start('Ana'), await start('Ben')]
    const [family, club] = [await old.mesh.meshes.create('Family'), await old.mesh.meshes.create('Club')]
    await ben.mesh.meshes.join((await old.mesh.meshes.invite(family)).link)
    await joined(ben, family)
    const words = await old.mesh.meshes.backup()
    assert.equal(words.length, 12)
    // Its stores were in memory: they are gone with it.
    await old.close()

    const next = await start('Ana again')
    const asTyped = `  ${words.join('  ').toUpperCase()}\n`
    assert.deepEqual(new Set(await next.mesh.meshes.restore(asTyped)), new Set([family, club]))
    assert.deepEqual([meshOf(next, family)?.name, meshOf(next, family)?.role], ['Family', 'owner'])
    await waitUntil(() => members(ben, family)?.includes(next.mesh.peer), { what: 'Ben to see the new device' })
    const { link } = await next.mesh.meshes.invite(family)
    const cleo = await start('Cleo')
    await cleo.mesh.meshes.join(link)
    await joined(cleo, family)
    await next.mesh.meshes.remove(family, old.mesh.peer)
    await waitUntil(() => meshOf(cleo, family)?.epoch === 2 && meshOf(ben, family)?.epoch === 2, { what: 'the lost device to be out' })
    assert.deepEqual(members(ben, family), [ben.mesh.peer, next.mesh.peer, cleo.mesh.peer])
    assert.deepEqual(await next.mesh.meshes.backup(), words)
    assert.deepEqual(new Set(await next.mesh.meshes.restore(words.join(' '))), new Set([family, club]), 'twice does no harm')

    const third = await start('A third')
    assert.deepEqual(new Set(await third.mesh.meshes.restore(words.join(' '))), new Set([family, club]), 'after a removal too')
    assert.equal(meshOf(third, family)?.role, 'owner')
  })

  it('words that are wrong restore nothing, and words of others show nothing of mine', async () => {
    const [ana, eve] = [await start('Ana'), await start('Eve')]
    await ana.mesh.meshes.create('Family')
    const words = await ana.mesh.meshes.backup()
    const wrong = 'abandon '.repeat(12)
    for (const text of [wrong, words.slice(1).join(' '), words.join(' ').replace(words[3] as string, 'qwertz')])
      await assert.rejects(eve.mesh.meshes.restore(text), (error) => codeOf(error) === 'WORDS_INVALID')
    assert.deepEqual(await eve.mesh.meshes.restore((await eve.mesh.meshes.backup()).join(' ')), [])
    await eve.mesh.meshes.create('Own')
    await assert.rejects(eve.mesh.meshes.restore(words.join(' ')), (error) => codeOf(error) === 'BAD_ARGUMENT')
  })
})
