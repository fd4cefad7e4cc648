/** A topic of a private mesh between a page and a peer in Node.js, over a relay process that is in no mesh: what it passes on it cannot read. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import { fromUtf8 } from '../../src/shared/bytes.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { type Person, startPerson } from '../support/people.ts'
import { wordsInMemory } from '../support/process-memory.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

const MS = 20_000
const TOPIC = 'kneadingtimes'
const CODE = (error: unknown) => codeOf(error)

describe('a topic of a private mesh, page and Node.js', { timeout: 180_000 }, () => {
  let relay: RelayProcess
  let ana: Person
  let ben: TestPeer
  let eve: TestPeer
  let id: string
  const heard: string[] = []
  before(async () => {
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off'] })
    const origin = relay.url.replace(/\/$/, '')
    ana = await startPerson({ url: relay.url, name: 'Ana' })
    ben = await startTestPeer({ origin, name: 'Ben' })
    eve = await startTestPeer({ origin, name: 'Eve' })
    for (const { mesh } of [ben, eve]) await waitUntil(() => mesh.state.relays[0]?.status === 'reserved', { ms: MS, what: 'the relay' })
    await waitUntil(async () => (await ana.state()).relays[0]?.status === 'reserved', { ms: MS, what: 'the page at the relay' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close(), eve?.close()])
    await relay?.stop()
  })
  const publishes = (topic: string, text: string, mesh?: string) =>
    ana.page.evaluate(([to, data, at]) => (dmesh as unknown as Mesh).publish(to, data, at ? { mesh: at } : {}), [topic, text, mesh] as const)
  /** Nobody can know when the way is there: publishes until `done`. */
  const until = (send: () => Promise<unknown>, done: () => boolean | Promise<boolean>, what: string) => {
    let last = Number.NEGATIVE_INFINITY
    return waitUntil(
      async () => {
        if (await done()) return true
        if (performance.now() - last > 300) {
          last = performance.now()
          await send()
        }
        return false
      },
      { ms: MS, what },
    )
  }
  const pageHeard = () => ana.page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard)

  it('each hears the other; who is no member may neither speak nor listen there', async () => {
    const { mesh, link } = await ana.page.evaluate(async () => {
      const { meshes } = dmesh as unknown as Mesh
      const made = await meshes.create('Bakery')
      return { mesh: made, link: (await meshes.invite(made)).link }
    })
    id = mesh
    await ben.mesh.meshes.join(link)
    await waitUntil(() => ben.mesh.state.meshes[0]?.status === 'joined', { ms: MS, what: 'Ben to be in' })
    await ben.mesh.subscribe(TOPIC, ({ peer, data }) => void heard.push(`${peer === ana.peer} ${fromUtf8(data)}`), { mesh: id })
    await ana.page.evaluate(
      async ([topic, at]) => {
        const lines: string[] = []
        Object.assign(globalThis, { heard: lines })
        await (dmesh as unknown as Mesh).subscribe(topic, ({ peer, data }) => void lines.push(`${peer} ${new TextDecoder().decode(data)}`), {
          mesh: at,
        })
      },
      [TOPIC, id] as const,
    )
    await until(
      () => publishes(TOPIC, 'ryedough4711', id),
      () => heard.includes('true ryedough4711'),
      'Ben to hear the page',
    )
    await until(
      () => ben.mesh.publish(TOPIC, 'spelt4712', { mesh: id }),
      async () => (await pageHeard()).includes(`${ben.mesh.peer} spelt4712`),
      'the page to hear Ben',
    )
    assert.equal(await eve.mesh.publish(TOPIC, 'poison', { mesh: id }).then(() => 'nothing', CODE), 'ACCESS_DENIED')
    assert.equal(await eve.mesh.subscribe(TOPIC, () => undefined, { mesh: id }).then(() => 'nothing', CODE), 'ACCESS_DENIED')
  })

  it('the relay’s memory holds what is public and nothing of the topic', { skip: process.platform !== 'linux' }, async () => {
    const open: string[] = []
    await ben.mesh.subscribe('square', ({ data }) => void open.push(fromUtf8(data) ?? ''))
    await until(
      () => publishes('square', 'everybody4713'),
      () => open.includes('everybody4713'),
      'Ben to hear the lobby',
    )
    assert.deepEqual(wordsInMemory(relay.child.pid as number, ['everybody4713', 'ryedough4711', 'spelt4712', TOPIC]), new Set(['everybody4713']))
  })

  it('after a reload the page is in the topic at once; who was removed is heard no more', async () => {
    await ana.page.reload()
    await ana.page.evaluate(() => dmesh.ready)
    await publishes(TOPIC, 'again', id)
    await until(
      () => publishes(TOPIC, 'still', id),
      () => heard.includes('true still'),
      'Ben to hear the page again',
    )
    await ana.page.evaluate(
      async ([peer, at]) => {
        const lines: string[] = []
        Object.assign(globalThis, { heard: lines })
        const mesh = dmesh as unknown as Mesh
        await mesh.subscribe('kneadingtimes', ({ data }) => void lines.push(new TextDecoder().decode(data)), { mesh: at })
        await mesh.meshes.remove(at, peer)
      },
      [ben.mesh.peer, id] as const,
    )
    await waitUntil(() => ben.mesh.state.meshes[0]?.status === 'removed', { ms: MS, what: 'Ben to know' })
    const before = heard.length
    await publishes(TOPIC, 'ours alone', id)
    assert.equal(await ben.mesh.publish(TOPIC, 'late', { mesh: id }).then(() => 'nothing', CODE), 'ACCESS_DENIED')
    const lobby: string[] = []
    await ben.mesh.subscribe('gate', ({ data }) => void lobby.push(fromUtf8(data) ?? ''))
    await until(
      () => publishes('gate', 'after it'),
      () => lobby.length > 0,
      'what was sent after it',
    )
    assert.equal(heard.length, before)
    assert.ok(!(await pageHeard()).includes('late'))
  })
})
