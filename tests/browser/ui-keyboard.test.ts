/** First run → send a message → accept an offer with the keyboard alone, and what a screen reader is told on the way. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { fullState, PI } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

const MAX_TABS = 60 // keys until something must have been reached

describe('the page by keyboard', { timeout: 120_000 }, () => {
  let site: UiSite
  let chromium: Chromium
  before(async () => {
    site = await startUiSite()
    chromium = await startChromium()
  })
  after(async () => {
    await chromium?.close()
    await site?.close()
  })

  it('joins, writes a message and accepts an offer', async () => {
    const [context] = chromium.browser.contexts()
    assert.ok(context)
    const { page, errors } = await openPage(context, `${site.origin}/`)
    await tabTo(page, 'input')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Kitchen tablet')
    await page.keyboard.press('Enter')
    await waitUntil(async () => (await calls(page, 'rename'))[0]?.[1] === 'Kitchen tablet', { what: 'the chosen name reaches the mesh' })
    await page.evaluate((state) => Reflect.get(globalThis, 'fake').change({ ...state, transfers: [], messages: [] }), fullState(Date.now()))

    await tabTo(page, 'a[href="#/chat"]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('h1:has-text("Chat")')
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'focus follows to the heading')
    await tabTo(page, `a[href="#/chat/${PI}"]`)
    await page.keyboard.press('Enter')
    await tabTo(page, 'textarea')
    await page.keyboard.type('first line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second line')
    await page.keyboard.press('Enter')
    await waitUntil(async () => (await calls(page, 'send')).length === 1, { what: 'the message is sent' })
    assert.deepEqual(await calls(page, 'send'), [['send', PI, 'chat', 'first line\nsecond line']])
    assert.equal(await page.inputValue('textarea'), '')
    assert.match((await page.textContent('.bubble.mine')) ?? '', /waiting/)

    await offerFile(page, 'o1')
    await page.waitForSelector('.banner:has-text("wants to send you concert.flac")')
    assert.equal(await page.locator('dialog').count(), 0, 'nothing jumps in front of somebody who writes')
    await tabTo(page, '.banner button')
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog[open]')
    await waitUntil(() => page.evaluate(() => document.activeElement?.tagName === 'H2'), { what: 'the heading of the sheet has focus' })
    await page.keyboard.press('Enter')
    assert.deepEqual(await calls(page, 'files.accept'), [], 'a key that was meant for something else answers nothing')
    await tabTo(page, 'dialog .primary')
    await page.keyboard.press('Enter')
    await waitUntil(async () => (await calls(page, 'files.accept')).length === 1, { what: 'the offer is accepted' })
    await waitUntil(async () => (await page.locator('dialog').count()) === 0, { what: 'the sheet is gone' })
    assert.deepEqual(errors, [])
    await page.close()
  })

  it('says offers and messages in the live region', async () => {
    const [context] = chromium.browser.contexts()
    assert.ok(context)
    const { page } = await openPage(context, `${site.origin}/?state=full&joined`)
    await offerFile(page, 'o2')
    const live = () => page.locator('.hidden[role=status]').textContent()
    await waitUntil(async () => /Workshop Pi wants to send you concert.flac, 431.MB\./.test((await live()) ?? ''), { what: 'the offer is said' })
    await page.keyboard.press('Escape')
    await waitUntil(async () => (await page.locator('dialog').count()) === 0, { what: 'Escape puts the offer off' })
    assert.deepEqual(await calls(page, 'files.decline'), [])
    await page.evaluate((peer) => {
      const fake = Reflect.get(globalThis, 'fake')
      fake.change({
        messages: [{ id: 'n', peer, direction: 'in', topic: 'chat', text: 'tea is ready', size: 12, status: 'delivered', at: Date.now() }],
      })
      fake.emit('message', { id: 'n', peer, topic: 'chat', data: new Uint8Array() })
    }, PI)
    await waitUntil(async () => (await live()) === 'Workshop Pi: tea is ready', { what: 'the message is said' })
    await page.close()
  })
})

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < MAX_TABS; i++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${MAX_TABS} tabs did not reach ${selector}`)
}

async function calls(page: Page, name: string): Promise<readonly (readonly unknown[])[]> {
  const all: readonly (readonly unknown[])[] = await page.evaluate(() => Reflect.get(globalThis, 'fake').calls)
  return all.filter((call) => call[0] === name).map((call) => call.filter((part) => part !== undefined && part !== null))
}

async function offerFile(page: Page, id: string): Promise<void> {
  await page.evaluate(
    ({ peer, id: offer }) => {
      const fake = Reflect.get(globalThis, 'fake')
      const transfer = {
        id: offer,
        peer,
        direction: 'in',
        name: 'concert.flac',
        size: 431e6,
        type: '',
        done: 0,
        rate: 0,
        status: 'offered',
        at: Date.now(),
      }
      fake.change({ transfers: [...fake.mesh.state.transfers, transfer] })
      fake.emit('fileoffer', transfer)
    },
    { peer: PI, id },
  )
}
