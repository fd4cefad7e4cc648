/** Two real pages over a real relay: topics heard in both, and messages that outlive the browsers of both sides, killed and started again on the same profile. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Person, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const MS = 30_000

describe('messages of two people', { timeout: 300_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let folder: string
  const people: Partial<Record<'Ana' | 'Ben', Awaited<ReturnType<typeof startPerson>>>> = {}
  const start = async (name: 'Ana' | 'Ben') => {
    people[name] = await startPerson({ url: relay.url, name, chromium: { userDataDir: join(folder, name) } })
    return people[name]
  }
  /** The power goes. */
  const kill = async (name: 'Ana' | 'Ben') => {
    const person = people[name]
    assert.ok(person)
    process.kill(-person.chromium.pid, 'SIGKILL')
    await person.close().catch(() => undefined)
    delete people[name]
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dmesh-messages-'))
    relay = await startTestRelay()
  })
  after(async () => {
    await Promise.all(Object.values(people).map((person) => person.close()))
    await relay?.end()
    await rm(folder, { recursive: true, force: true })
  })

  it('a topic goes from page to page', async () => {
    const [ana, ben] = [await start('Ana'), await start('Ben')]
    await seesPeer(ana, ben, MS, ({ path }) => path !== 'away')
    await ben.page.evaluate(async () => {
      const heard: string[] = []
      Object.assign(globalThis, { heard })
      const mesh = dmesh as unknown as { subscribe(topic: string, listen: (one: { peer: string; data: Uint8Array }) => void): Promise<void> }
      await mesh.subscribe('news', ({ peer, data }) => void heard.push(`${peer} ${new TextDecoder().decode(data)}`))
    })
    const heard = () => ben.page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard)
    await waitUntil(
      async () => {
        await ana.page.evaluate(() => (dmesh as unknown as { publish(topic: string, data: string): Promise<void> }).publish('news', 'hello'))
        return (await heard()).length > 0
      },
      { ms: MS, what: 'the topic' },
    )
    assert.ok((await heard()).every((line) => line === `${ana.peer} hello`))
  })

  it('what waits outlives both browsers, arrives once and in order, and is read when it is seen', async () => {
    let [ana, ben] = [people.Ana as Person, people.Ben as Person]
    const benId = ben.peer
    await kill('Ben')
    const texts = ['first', 'second', 'third']
    await ana.page.evaluate(
      async ([peer, list]) => {
        for (const text of list as string[]) await (dmesh.send as (...args: unknown[]) => Promise<string>)(peer, 'chat', text)
      },
      [benId, texts] as const,
    )
    await kill('Ana')
    ana = await start('Ana')
    const mine = async () =>
      (await ana.state()).messages.filter(({ direction }) => direction === 'out').map(({ text, status }) => `${text} ${status}`)
    await waitUntil(async () => (await mine()).length === 3, { ms: MS, what: 'the lines to be on the screen again' })
    assert.deepEqual(await mine(), ['first waiting', 'second waiting', 'third waiting'])
    ben = await start('Ben')
    assert.equal(ben.peer, benId)
    const theirs = async () => (await ben.state()).messages.map(({ text }) => text)
    await waitUntil(async () => (await theirs()).length >= 3, { ms: MS, what: 'the messages' })
    await waitUntil(async () => (await mine()).every((line) => line.endsWith('delivered')), { ms: MS, what: 'the receipts' })
    await kill('Ben')
    ben = await start('Ben')
    await waitUntil(async () => (await theirs()).length >= 3, { ms: MS, what: 'the messages after another restart' })
    assert.deepEqual(await theirs(), texts)
    await ben.page.evaluate((peer) => void Object.assign(location, { hash: `#/chat/${peer}` }), ana.peer)
    await waitUntil(async () => (await mine()).every((line) => line.endsWith('read')), { ms: MS, what: 'the marks' })
    await ana.page.evaluate((peer) => void Object.assign(location, { hash: `#/chat/${peer}` }), benId)
    await ana.page.waitForSelector('.mine >> text=read')
  })
})
