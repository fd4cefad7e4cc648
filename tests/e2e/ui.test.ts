/** Two people who only use the page: they join, talk, send and save a file, compare its hash, and one opens the page again with the relay gone. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { type Person, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 3_000_000

describe('two people at the page', { timeout: 180_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Person
  let ben: Person
  before(async () => {
    relay = await startTestRelay()
    ana = await startPerson({ url: relay.url, name: 'Ana' })
    ben = await startPerson({ url: relay.url, name: 'Ben' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.end()
  })

  it('see each other as a row with name, path and round trip', async () => {
    const row = ana.page.locator(`[data-peer="${ben.peer}"]`)
    await waitUntil(async () => /Ben.*Direct.*WebRTC.*ms/s.test((await row.textContent()) ?? ''), { ms: 15_000, what: 'a direct row' })
  })

  it('talk', async () => {
    await ana.page.click('nav a[href="#/chat"]')
    await ana.page.click(`a[href="#/chat/${ben.peer}"]`)
    await ana.page.fill('textarea', 'hello <b>Ben</b>')
    await ana.page.press('textarea', 'Enter')
    await waitUntil(async () => /delivered/.test((await ana.page.textContent('.bubble.mine')) ?? ''), {
      ms: 10_000,
      what: 'the receipt on the screen',
    })
    await ben.page.click('nav a[href="#/chat"]')
    await ben.page.click(`a[href="#/chat/${ana.peer}"]`)
    assert.equal(await ben.page.textContent('.bubble.theirs .bubble-text'), 'hello <b>Ben</b>')
  })

  it('send, accept, save and compare a file', async () => {
    const bytes = randomBytes(SIZE)
    await ana.page.click('nav a[href="#/devices"]')
    await ana.page.setInputFiles(`[data-peer="${ben.peer}"] input[type=file]`, {
      name: 'plan.bin',
      mimeType: 'application/octet-stream',
      buffer: bytes,
    })
    await ben.page.waitForSelector('dialog:has-text("plan.bin")')
    assert.match((await ben.page.textContent('dialog')) ?? '', /Ana.*wants to send you a file.*3.MB/s)
    await ben.page.click('dialog .primary')
    const hash = createHash('sha256').update(bytes).digest('hex')
    for (const { page } of [ana, ben]) {
      await page.click('nav a[href="#/transfers"]')
      await page.waitForSelector('[data-status=done]', { timeout: 30_000 })
      await page.click('[data-status=done] .copy-value')
      assert.ok(((await page.textContent('[data-status=done]')) ?? '').includes(hash))
    }
    const [download] = await Promise.all([ben.page.waitForEvent('download'), ben.page.click('[aria-label="Save plan.bin"]')])
    assert.equal(download.suggestedFilename(), 'plan.bin')
    assert.deepEqual(await readFile(await download.path()), bytes)
  })

  it('opens again with the relay gone, history and all, and says what is wrong', async () => {
    await waitUntil(() => ben.page.evaluate(() => navigator.serviceWorker.controller !== null), {
      ms: 15_000,
      what: 'the service worker controls the page',
    })
    await relay.end()
    const page = await ben.newTab()
    await page.waitForSelector('nav a[href="#/chat"]', { timeout: 15_000 })
    await page.click('nav a[href="#/chat"]')
    await page.waitForSelector('text=hello <b>Ben</b>', { timeout: 20_000 })
    await page.click('nav a[href="#/devices"]')
    await page.waitForSelector('text=no relay answers, trying again', { timeout: 30_000 })
  })
})
