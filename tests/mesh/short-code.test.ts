/** Short codes between real peers: the right one joins, a wrong one spends it, a relay that tries in between gets nothing. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { type House, joined, openHouse } from '../support/hostile-house.ts'
import { waitUntil } from '../support/wait.ts'

describe('a short code', () => {
  let house: House
  beforeEach(async () => {
    house = await openHouse()
  })
  afterEach(() => house.close())
  const two = async () => {
    const [ana, ben] = [await house.start('Ana'), await house.start('Ben')]
    await waitUntil(() => ben.mesh.peers.some(({ id }) => id === ana.mesh.peer), { what: 'Ben to see Ana' })
    return { ana, ben, id: await ana.mesh.meshes.create('Family') }
  }
  const is = (code: string) => (error: unknown) => codeOf(error) === code

  it('stands for an invite, once; no relay sees the link', async () => {
    const { ana, ben, id } = await two()
    const { code } = await ana.mesh.meshes.shortCode(id, { role: 'guest' })
    const link = await ben.mesh.meshes.enterCode(ana.mesh.peer, code.toUpperCase().replaceAll('-', ' '))
    const look = await ben.mesh.meshes.look(link)
    assert.deepEqual([look.mesh, look.role], [id, 'guest'])
    await ben.mesh.meshes.join(link)
    await joined(ben, id)
    const circuits = Buffer.concat([...house.relay.circuits.values()].flat())
    assert.ok(!circuits.includes(link.slice(-43)) && !circuits.includes(code))
    await assert.rejects(ben.mesh.meshes.enterCode(ana.mesh.peer, code), is('CODE_WRONG'))
  })

  it('is spent by one wrong guess, and by a new one', async () => {
    const { ana, ben, id } = await two()
    const { code } = await ana.mesh.meshes.shortCode(id)
    const wrong = code.startsWith('00') ? code.replace('00', '01') : code.replace(/^../, '00')
    await assert.rejects(ben.mesh.meshes.enterCode(ana.mesh.peer, `${code}x`), is('WORDS_INVALID'))
    await assert.rejects(ben.mesh.meshes.enterCode(ana.mesh.peer, wrong), is('CODE_WRONG'))
    await assert.rejects(ben.mesh.meshes.enterCode(ana.mesh.peer, code), is('CODE_WRONG'))
    assert.deepEqual(await ana.mesh.meshes.invites(id), [], 'nothing was made for it')
    const { code: old } = await ana.mesh.meshes.shortCode(id)
    await ana.mesh.meshes.shortCode(id)
    await assert.rejects(ben.mesh.meshes.enterCode(ana.mesh.peer, old), is('CODE_WRONG'))
  })
})
