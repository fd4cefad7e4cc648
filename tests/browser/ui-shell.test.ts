/** The service worker in a browser that starts and stops it as it likes: opens offline, offers an update and never takes one, refuses peers' paths; and the sentence on an insecure origin. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

const FIRST = 'a1'.repeat(32)
const SECOND = 'b2'.repeat(32)

describe('the shell', { timeout: 180_000 }, () => {
  let site: UiSite
  let chromium: Chromium
  let context: BrowserContext
  beforeEach(async () => {
    site = await startUiSite()
    await site.release(FIRST)
    chromium = await startChromium({ args: ['--host-resolver-rules=MAP plain.example 127.0.0.1'] })
    const [own] = chromium.browser.contexts()
    assert.ok(own)
    context = own
  })
  afterEach(async () => {
    await chromium?.close()
    await site?.close()
  })

  const openControlled = async (): Promise<Page> => {
    const { page } = await openPage(context, `${site.origin}/?state=full&joined&sw`)
    await waitUntil(() => page.evaluate(() => navigator.serviceWorker.controller !== null), {
      what: 'the service worker controls the page',
      ms: 20_000,
    })
    return page
  }

  it('opens offline, says so, and keeps what can be done', async () => {
    const page = await openControlled()
    site.setDown(true)
    await context.setOffline(true)
    await page.reload()
    await page.waitForSelector('text=You are offline. Messages you write wait here')
    await page.waitForSelector('text=You · offline: messages wait here until you are back')
    await page.evaluate(() => void Object.assign(location, { hash: '#/chat' }))
    await page.waitForSelector('text=The key is at Ana’s')
    const other = await context.newPage()
    await other.goto(`${site.origin}/some/page?state=full&joined`)
    await other.waitForSelector('text=Workshop Pi')
    await context.setOffline(false)
    await waitUntil(async () => (await page.locator('text=You are offline.').count()) === 0, { what: 'the note goes when the connection is back' })
  })

  it('offers a newer build with version and hash, keeps the old one until Update, and remembers Later', async () => {
    const page = await openControlled()
    await site.release(SECOND)
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update())
    assert.equal(await page.locator('.banner:has-text("New version")').count(), 0, 'nothing is offered while a file moves')
    await page.evaluate(() => Reflect.get(globalThis, 'fake').change({ transfers: [] }))
    await page.waitForSelector('.banner:has-text("New version 0.1.0 · b2b2b2b2b2b2")')
    await page.click('.banner >> text=Later')
    await page.reload()
    await page.evaluate(() => void Object.assign(location, { hash: '#/settings' }))
    await page.waitForSelector('text=DMesh 0.1.0 · a1a1a1a1a1a1')
    const update = page.locator('.section button:has-text("Update")')
    await waitUntil(() => update.isDisabled(), { what: 'Update waits for the transfer of the page that was loaded anew' })
    await page.evaluate(() => Reflect.get(globalThis, 'fake').change({ transfers: [] }))
    const loaded = page.waitForEvent('load')
    await update.click()
    await loaded
    await page.waitForSelector('text=DMesh 0.1.0 · b2b2b2b2b2b2')
  })

  it('answers the paths of peers with a reason and runs nothing there', async () => {
    const page = await openControlled()
    const answers = await page.evaluate(async () => {
      const ask = async (path: string, init?: RequestInit) => {
        const response = await fetch(path, init)
        return {
          status: response.status,
          policy: response.headers.get('content-security-policy'),
          sniff: response.headers.get('x-content-type-options'),
          text: await response.text(),
        }
      }
      return { get: await ask('/p2p/12D3KooW/x'), post: await ask('/ipfs/bafy', { method: 'POST', body: 'x' }) }
    })
    assert.equal(answers.get.status, 503)
    assert.match(answers.get.text, /not in this version/)
    assert.equal(answers.post.status, 403)
    for (const one of [answers.get, answers.post]) assert.deepEqual([one.policy, one.sniff], ["sandbox; default-src 'none'", 'nosniff'])
    const loaded = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const script = document.createElement('script')
          script.src = '/ipns/evil.js'
          script.onerror = () => resolve('refused')
          script.onload = () => resolve('ran')
          document.head.append(script)
        }),
    )
    assert.equal(loaded, 'refused')
    const visited = await page.goto(`${site.origin}/p2p/12D3KooW/index.html`)
    assert.equal(visited?.status(), 403)
    assert.equal(visited?.fromServiceWorker(), true)
    assert.match((await page.textContent('body')) ?? '', /Pages of other devices never open on this address/)
  })

  it('says on an insecure origin what to do, instead of a blank page', async () => {
    const page = await context.newPage()
    await page.goto(`http://plain.example:${site.port}/`)
    await page.waitForSelector('[role=alert]')
    const text = (await page.textContent('main')) ?? ''
    assert.match(text, /This address is not secure/)
    assert.ok(text.includes(`http://dmesh.localhost:${site.port}`), text)
    assert.match(text, /--tls-cert/)
    assert.equal(
      await page.evaluate(() => Reflect.get(globalThis as object, 'dmesh').ready.catch((error: { code: string }) => error.code)),
      'INSECURE_ORIGIN',
    )
  })

  it('offers to install only after the first success', async () => {
    const { page } = await openPage(context, `${site.origin}/?joined`)
    await page.evaluate(() => {
      const question = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), {
        prompt: async () => Object.assign(globalThis, { asked: true }),
      })
      window.dispatchEvent(question)
      Object.assign(globalThis, { prevented: question.defaultPrevented })
    })
    assert.equal(await page.evaluate(() => Reflect.get(globalThis, 'prevented')), true)
    assert.equal(await page.locator('text=Install DMesh').count(), 0)
    await page.evaluate(() =>
      Reflect.get(globalThis, 'fake').change({
        messages: [{ id: '1', peer: 'x', direction: 'out', topic: 'chat', text: 'hi', size: 2, status: 'delivered', at: 1 }],
      }),
    )
    await page.click('.banner >> text=Install >> nth=-1')
    await waitUntil(() => page.evaluate(() => Reflect.has(globalThis, 'asked')), { what: 'the browser asks' })
    assert.equal(await page.locator('text=Install DMesh').count(), 0)
  })
})
