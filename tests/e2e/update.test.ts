/** A relay that was updated: open pages keep their version until the person agrees, then the old mesh worker drains and the new one takes over with the same key, and no message is lost or doubled. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { buildAs, type NextBuild } from '../support/next-build.ts'
import { type Person, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const NEXT = '0.99.0'

describe('a new version', { timeout: 420_000 }, () => {
  let dataDir: string
  let next: NextBuild
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Person
  let ben: Person
  let other: Page
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'dmesh-update-'))
    next = await buildAs(NEXT)
    relay = await startTestRelay({ dataDir })
    ana = await startPerson({ url: relay.url, name: 'Ana' })
    ben = await startPerson({ url: relay.url, name: 'Ben' })
    other = await ana.newTab()
    await waitUntil(() => other.evaluate(() => dmesh.peer), { ms: 20_000, what: 'the second tab' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.end()
    await next?.remove()
    await rm(dataDir, { recursive: true, force: true })
  })

  const send = (from: Person, to: Person, text: string) =>
    from.page.evaluate(([peer, what]) => (dmesh.send as (...args: unknown[]) => Promise<string>)(peer, 'chat', what), [to.peer, text])
  const runs = (page: Page) => page.evaluate(() => dmesh.state.version)
  const holders = (page: Page) =>
    page.evaluate(async () => ((await navigator.locks.query()).held ?? []).filter(({ name }) => name?.endsWith('-mesh')).length)

  it('is offered with its number and hash, and changes nothing until the person agrees', async () => {
    const version = await runs(ana.page)
    assert.notEqual(version, NEXT)
    const { port } = relay
    await relay.end()
    relay = await startTestRelay({ dataDir, dist: next.dist, args: ['--listen', `127.0.0.1:${port}`] })
    await seesPeer(ana, ben, 20_000, ({ path }) => path !== 'away')
    await ana.page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()))
    const banner = ana.page.locator('.banner', { hasText: 'New version' })
    await banner.waitFor({ timeout: 30_000 })
    assert.match((await banner.textContent()) ?? '', new RegExp(`${NEXT}.*${next.hash.slice(0, 12)}`))
    assert.equal(await runs(ana.page), version)
    assert.equal(await holders(ana.page), 1)
  })

  it('takes over in every tab after Update, as the same peer, never two with one key', async () => {
    const told = await send(ben, ana, 'before the update')
    await Promise.all([ana.page.waitForEvent('load'), other.waitForEvent('load'), ana.page.click('.banner >> text=Update')])
    for (const page of [ana.page, other]) {
      await waitUntil(async () => (await runs(page).catch(() => '')) === NEXT, { ms: 30_000, what: 'the new version in the tab' })
      assert.equal(await page.evaluate(() => dmesh.ready.then(() => dmesh.peer)), ana.peer)
      assert.equal(await holders(page), 1)
    }
    assert.ok(told)
    await seesPeer(ben, ana, 20_000, ({ path }) => path === 'direct')
    const lines = (await ben.state()).peers.filter(({ id }) => id === ana.peer)
    assert.equal(lines.length, 1)
    assert.equal(relay.mesh.state.peers.filter(({ id }) => id === ana.peer).length, 1)
  })

  it('loses and doubles no message on the way', async () => {
    await send(ben, ana, 'after the update')
    const texts = async () => (await ana.state()).messages.filter(({ direction }) => direction === 'in').map(({ text }) => text)
    await waitUntil(async () => (await texts()).includes('after the update'), { ms: 15_000, what: 'the message after the update' })
    assert.deepEqual(await texts(), ['before the update', 'after the update'])
  })
})
