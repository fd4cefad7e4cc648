/** People and a private mesh, by the page alone: Ana makes one and invites, Ben waits while she is closed, they meet and talk, Carla in the lobby sees nothing of it, Ana removes Ben. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Person, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const NAME = 'Bakery Lindgren'

describe('a private mesh at the page', { timeout: 240_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Person
  let ben: Person
  let carla: Person
  let link: string
  let folder: string
  const startAna = () => startPerson({ url: relay.url, name: 'Ana', chromium: { userDataDir: join(folder, 'Ana') } })
  before(async () => {
    relay = await startTestRelay()
    folder = await mkdtemp(join(tmpdir(), 'dmesh-mesh-'))
    ana = await startAna()
    ben = await startPerson({ url: relay.url, name: 'Ben' })
    carla = await startPerson({ url: relay.url, name: 'Carla' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close(), carla?.close()])
    await relay?.end()
    await rm(folder, { recursive: true, force: true })
  })
  const meshOf = async (person: Person) => (await person.state()).meshes[0]

  it('Ana makes a mesh and an invite', async () => {
    await ana.page.locator('header .button').waitFor()
    await waitUntil(async () => (await ana.state()).relays.some(({ status }) => status === 'reserved'), { ms: 15_000, what: 'Ana at the relay' })
    await ana.page.click('.top-name')
    await ana.page.click('text=New mesh')
    await ana.page.fill('#mesh-name', NAME)
    await ana.page.press('#mesh-name', 'Enter')
    await ana.page.waitForSelector(`h1:has-text("${NAME}")`)
    await ana.page.click('.peer-pane .primary')
    await ana.page.click('dialog .primary')
    await ana.page.waitForSelector('dialog canvas')
    link = await ana.page.evaluate(async () => {
      const { meshes, state } = dmesh as unknown as {
        meshes: { invites(id: string): Promise<{ link: string }[]> }
        state: { meshes: { id: string }[] }
      }
      const [invite] = await meshes.invites(state.meshes[0]?.id ?? '')
      return invite?.link ?? ''
    })
    assert.match(link, /#join=/)
    await ana.page.click('dialog [aria-label=Close]')
  })

  it('Ben opens it while Ana is closed, and waits, also after a reload', async () => {
    await ana.close()
    await waitUntil(async () => (await ben.state()).peers.find(({ id }) => id === ana.peer)?.path === 'away', { ms: 30_000, what: 'Ana to be away' })
    await ben.page.goto('about:blank')
    await ben.page.goto(link)
    await ben.page.waitForSelector('dialog dl')
    assert.match((await ben.page.textContent('dialog')) ?? '', new RegExp(`Ana invites you to ${NAME}`))
    assert.equal(new URL(ben.page.url()).hash, '')
    await ben.page.click('dialog .primary')
    await ben.page.waitForSelector('dialog >> text=Waiting for Ana’s devices', { timeout: 20_000 })
    await ben.page.reload()
    await ben.page.waitForSelector('.waiting-meshes >> text=Waiting for Ana’s devices', { timeout: 20_000 })
  })

  it('Ana opens her page: Ben is in, and they see each other in the mesh', async () => {
    ana = await startAna()
    await waitUntil(async () => (await meshOf(ben))?.status === 'joined', { ms: 30_000, what: 'Ben to be in' })
    for (const [person, other] of [
      [ana, ben],
      [ben, ana],
    ] as const) {
      await person.page.click('.top-name')
      await person.page.click(`[aria-label="Show ${NAME}"]`)
      await person.page.waitForSelector(`[data-peer="${other.peer}"] .meeting >> text=${NAME}`, { timeout: 20_000 })
    }
  })

  it('they talk', async () => {
    await ben.page.evaluate(([peer]) => (dmesh.send as (...args: unknown[]) => Promise<string>)(peer, 'chat', 'I am in'), [ana.peer])
    await ana.page.click('nav a[href="#/chat"]')
    await ana.page.click(`a[href="#/chat/${ben.peer}"]`)
    await ana.page.waitForSelector('.bubble.theirs >> text=I am in', { timeout: 15_000 })
  })

  it('Carla, in the lobby of the same relay, sees neither name nor mesh', async () => {
    const state = await carla.state()
    assert.deepEqual(state.meshes, [])
    assert.ok(state.peers.some(({ id }) => id === ana.peer))
    assert.ok(!JSON.stringify(state).includes(NAME))
    assert.ok(!(await carla.page.content()).includes(NAME))
  })

  it('Ana removes Ben, and his page says so', async () => {
    await ana.page.click('.top-name')
    await ana.page.click(`a.row-link:has-text("${NAME}")`)
    await ana.page.click('[aria-label="Remove Ben"]')
    await ana.page.click('dialog .harm')
    await waitUntil(async () => (await ana.page.locator(`[data-member="${ben.peer}"]`).count()) === 0, { ms: 15_000, what: 'Ben to be gone' })
    await waitUntil(async () => (await meshOf(ben))?.status === 'removed', { ms: 20_000, what: 'Ben to know' })
    await ben.page.click('.top-name')
    await ben.page.waitForSelector('text=You were removed')
  })
})
