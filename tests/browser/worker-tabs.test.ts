/** The real page at a real relay: one peer however many tabs, reachable again after the tab that lent its window closed and after a reload, with each part switched off; what is sent meanwhile arrives once. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { MeshState } from '../../src/core/mesh.ts'
import { type Person, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

/** What is off. A dedicated worker dies with its tab, so the whole mesh starts anew; without Web Locks who leaves says so. */
const RUNS = ['', 'sharedWorker', 'webLocks', 'sharedWorker,webLocks', 'webRtc'] as const
const REACHABLE = 2_000 // ms
const ASKED = 100 // ms between two pings: a relay gives one peer 120 circuits a minute, and more often there would be more

describe('tabs of one browser', { timeout: 300_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ben: Person
  before(async () => {
    relay = await startTestRelay()
    ben = await startPerson({ url: relay.url, name: 'Ben' })
  })
  after(async () => {
    await ben?.close()
    await relay?.end()
  })

  const ping = (peer: string) =>
    ben.page.evaluate(
      ([id]) =>
        (dmesh.ping as (peer: unknown) => Promise<number>)(id).then(
          () => true,
          () => false,
        ),
      [peer],
    )

  const say = (peer: string, text: string) =>
    ben.page.evaluate(([id, words]) => (dmesh.send as (...args: unknown[]) => Promise<string>)(id, 'chat', words), [peer, text])

  for (const off of RUNS) {
    it(`${off ? `without ${off}: ` : ''}the peer stays one and is reachable again within ${REACHABLE} ms`, async (t) => {
      const url = off ? `${relay.url}/?off=${off}` : relay.url
      const ana = await startPerson({ url, name: 'Ana' })
      try {
        const path = off === 'webRtc' ? 'relayed' : 'direct'
        await seesPeer(ben, ana, 20_000, (peer) => peer.path === path)
        const second = await ana.newTab(url)
        await waitUntil(() => second.evaluate(() => dmesh.peer), { ms: 20_000, what: 'the second tab' })
        assert.equal(await second.evaluate(() => dmesh.peer), ana.peer)
        const closed = performance.now()
        await ana.page.close()
        ana.page = second
        await say(ana.peer, 'sent into the close')
        await waitUntil(() => ping(ana.peer), { ms: 10_000, every: ASKED, what: 'Ana after her first tab closed' })
        const afterClose = performance.now() - closed
        await seesPeer(ben, ana, 20_000, (peer) => peer.path === path)
        const reloaded = performance.now()
        await Promise.all([second.reload(), say(ana.peer, 'sent into the reload')])
        await waitUntil(() => ping(ana.peer), { ms: 10_000, every: ASKED, what: 'Ana after the reload' })
        const afterReload = performance.now() - reloaded
        await seesPeer(ben, ana, 20_000, (peer) => peer.path === path)
        t.diagnostic(
          `reachable ${afterClose.toFixed(0)} ms after the close, ${afterReload.toFixed(0)} ms after the reload; ${path} ${(performance.now() - reloaded).toFixed(0)} ms after it`,
        )
        await waitUntil(() => second.evaluate(() => dmesh.peer), { ms: 20_000, what: 'the page after its reload' })
        assert.equal(await second.evaluate(() => dmesh.peer), ana.peer)
        const heard = async () =>
          (await second.evaluate(() => dmesh.state as never as MeshState)).messages
            .filter(({ direction }) => direction === 'in')
            .map(({ text }) => text)
        await waitUntil(async () => (await heard()).length >= 2, { ms: 10_000, what: 'what was sent meanwhile' })
        assert.deepEqual(await heard(), ['sent into the close', 'sent into the reload'], 'each once, in order')
        assert.ok(afterClose <= REACHABLE, `${afterClose} ms after the close`)
        assert.ok(afterReload <= REACHABLE, `${afterReload} ms after the reload`)
      } finally {
        await ana.close()
      }
    })
  }
})
