/** What the page says about messages: how far each got, in words; how many are new and from whom; that what is seen is read and what is not seen is not; and notes of the system only when asked for and hidden. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { ANA, LEA, PI } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

describe('messages on the page', { timeout: 180_000 }, () => {
  let site: UiSite
  let chromium: Chromium
  before(async () => {
    site = await startUiSite()
    await site.release('c3'.repeat(32))
    chromium = await startChromium()
  })
  after(async () => {
    await chromium?.close()
    await site?.close()
  })

  const open = async (path: string, work: (page: Page) => Promise<void>) => {
    const [context] = chromium.browser.contexts()
    assert.ok(context)
    const { page, errors } = await openPage(context, site.origin + path)
    try {
      await work(page)
      assert.deepEqual(errors, [])
    } finally {
      await page.close()
    }
  }

  it('says of each message of mine how far it got, in words beside the drawing', () =>
    open(`/?state=full&joined#/chat/${LEA}`, async (page) => {
      const metas = async () => (await page.locator('.mine .bubble-meta').allTextContents()).map((text) => text.split(' · ')[1])
      assert.deepEqual(await metas(), ['not delivered in 30 days', 'waiting', 'waiting'])
      await turn(page, '3', 'delivered')
      await turn(page, '4', 'read')
      await waitUntil(async () => (await metas()).join() === 'not delivered in 30 days,delivered,read', { what: 'the new words' })
      assert.equal(await page.locator('.receipt svg[aria-hidden=true]').count(), 3)
    }))

  it('counts new messages on the row of their sender, and reads them when their conversation is seen', () =>
    open('/?state=full&joined', async (page) => {
      const badge = page.locator(`[data-peer="${ANA}"] .badge`)
      assert.equal(await badge.textContent(), '1 new')
      assert.match((await badge.getAttribute('aria-label')) ?? '', /^1 new message from Ana/)
      assert.equal(await reads(page), '')
      await badge.click()
      await waitUntil(async () => (await reads(page)) === `${ANA} 1`, { what: 'the read message told to the mesh' })
      await page.evaluate(() => void Object.assign(location, { hash: '#/devices' }))
      await page.waitForSelector(`[data-peer="${PI}"] .badge`)
      assert.equal(await badge.count(), 0)
    }))

  it('does not call read what came while the page was hidden, until it is seen', () =>
    open(`/?state=full&joined#/chat/${LEA}`, async (page) => {
      await setVisible(page, false)
      await arrive(page, LEA, 'hidden-1', 'are you there')
      await page.waitForSelector('text=are you there')
      assert.equal(await reads(page), '')
      await setVisible(page, true)
      await waitUntil(async () => (await reads(page)) === `${LEA} hidden-1`, { what: 'read when it is seen' })
    }))

  it('the switch for receipts reaches the mesh', () =>
    open('/?state=full&joined#/settings', async (page) => {
      const receipts = page.getByLabel('Tell people when I have read their messages')
      assert.equal(await receipts.isChecked(), true)
      await receipts.click()
      await waitUntil(async () => JSON.stringify(await calls(page, 'configure')) === '[["configure",{"sendReceipts":false}]]', { what: 'the call' })
      assert.equal(await receipts.isChecked(), false)
    }))

  it('notes of the system: refused by the browser is said; granted, they come while hidden only, with plain text', async () => {
    const context = await chromium.browser.newContext()
    const { page } = await openPage(context, `${site.origin}/?state=full&joined&sw#/settings`)
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const notify = page.getByLabel('Notify me of messages while this page is hidden')
    await notify.click()
    await page.waitForSelector('text=No notifications.')
    assert.equal(await notify.isChecked(), false)
    await context.grantPermissions(['notifications'], { origin: site.origin })
    await notify.click()
    await waitUntil(() => notify.isChecked(), { what: 'the switch' })
    const notes = () =>
      page.evaluate(async () =>
        (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, data }) => `${title}: ${body} ${data}`),
      )
    await arrive(page, ANA, 'seen-1', 'while I look')
    await setVisible(page, false)
    await arrive(page, ANA, 'other-page', 'another page of mine is seen')
    const [shell] = context.serviceWorkers()
    assert.ok(shell)
    // The browser shows this page in truth; so the service worker is told of hidden ones from now on.
    await shell.evaluate(() => Object.assign(Reflect.get(globalThis, 'clients'), { matchAll: async () => [{ visibilityState: 'hidden' }] }))
    await arrive(page, ANA, 'unseen-1', 'tea is ready')
    await waitUntil(async () => (await notes()).length > 0, { what: 'the note' })
    assert.deepEqual(await notes(), [`Ana’s laptop: tea is ready #/chat/${ANA}`])
    await context.close()
  })
})

const calls = (page: Page, name: string): Promise<readonly (readonly unknown[])[]> =>
  page.evaluate((method) => Reflect.get(globalThis, 'fake').calls.filter(([one]: readonly string[]) => one === method), name)

const reads = async (page: Page) => (await calls(page, 'read')).map(([, peer, id]) => `${peer} ${id}`).join()

function turn(page: Page, id: string, status: string): Promise<void> {
  return page.evaluate(
    ([one, next]) => {
      const { fake, dmesh } = globalThis as unknown as { fake: { change(part: object): void }; dmesh: { state: { messages: { id: string }[] } } }
      fake.change({ messages: dmesh.state.messages.map((line) => (line.id === one ? { ...line, status: next } : line)) })
    },
    [id, status],
  )
}

function arrive(page: Page, peer: string, id: string, text: string): Promise<void> {
  return page.evaluate(
    ([from, own, body]) => {
      const { fake, dmesh } = globalThis as unknown as {
        fake: { change(part: object): void; emit(type: string, detail: object): void }
        dmesh: { state: { messages: object[] } }
      }
      const line = { id: own, peer: from, direction: 'in', topic: 'chat', text: body, size: 9, status: 'delivered', at: Date.now() }
      fake.change({ messages: [...dmesh.state.messages, line] })
      fake.emit('message', { id: own, peer: from, topic: 'chat', data: new Uint8Array(9) })
    },
    [peer, id, text],
  )
}

/** Headless pages are never hidden by others: the page is told so. */
function setVisible(page: Page, visible: boolean): Promise<void> {
  return page.evaluate((on) => {
    Object.defineProperty(document, 'visibilityState', { value: on ? 'visible' : 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, visible)
}
