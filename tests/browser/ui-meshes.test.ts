/** Private meshes at the page: an opened invite leaves the address bar at once and asks before anything is sent; the calls reach the mesh; codes are read from camera and photo. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { FAMILY, LINK, WORDS } from './pages/fake-meshes.ts'
import { ANA, LEA } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

const FRAGMENT = LINK.slice(LINK.indexOf('#'))

describe('private meshes at the page', { timeout: 180_000 }, () => {
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

  it('makes a mesh and shows it', () =>
    open('/?joined', async (page) => {
      await page.click('.top-name')
      await page.click('text=New mesh')
      await page.fill('#mesh-name', 'Family')
      await page.press('#mesh-name', 'Enter')
      await page.waitForSelector('h1:has-text("Family")')
      assert.deepEqual(await calls(page, 'create'), [['meshes.create', 'Family']])
      assert.equal(await page.textContent('.top-name bdi'), 'Family')
      assert.match((await page.textContent('.peer-pane')) ?? '', /you are an owner · only you so far/)
    }))

  it('takes a short code from a person who is here, says what is wrong with it, and asks before joining', () =>
    open('/?state=full&joined', async (page) => {
      await page.goto(`${site.origin}/?state=full&joined#/meshes`)
      await page.click('text=Use an invite')
      await page.click('text=I was told a short code')
      await page.fill('#short-code', '42-legal-zoo')
      await page.press('#short-code', 'Enter')
      await page.waitForSelector('text=Ask for a new one')
      await page.fill('#short-code', '42-legal-winner')
      await page.press('#short-code', 'Enter')
      await page.waitForSelector('dialog dl')
      assert.equal((await calls(page, 'enterCode')).length, 2)
      assert.equal((await calls(page, 'join')).length, 0)
    }))

  it('shows recovery words when asked, says what is not in them, and takes them on another device', () =>
    open('/?joined#/settings', async (page) => {
      const card = page.locator('section[aria-label="Back up"]')
      await card.waitFor()
      assert.match((await card.textContent()) ?? '', /Not in it: meshes that others made.*messages, files/)
      assert.equal(await card.locator('li').count(), 0)
      await card.locator('text=Show my recovery words').click()
      await card.locator('li').nth(11).waitFor()
      assert.equal((await card.locator('li').allTextContents()).join(' '), WORDS.join(' '))
      await card.locator('text=Hide').click()
      await card.locator('summary').click()
      await page.fill('#recovery', 'legal winner')
      await card.locator('text="Restore"').click()
      assert.match((await card.locator('[role=alert]').textContent()) ?? '', /Nothing was restored.*Check each word/)
      await page.fill('#recovery', WORDS.join(' '))
      await card.locator('text="Restore"').click()
      await card.locator('text=You own again: Family').waitFor()
    }))

  it('takes an invite out of the address bar and the history, and sends nothing before Join', () =>
    open(`/?joined${FRAGMENT}`, async (page) => {
      await page.waitForSelector('dialog dl')
      assert.equal(new URL(page.url()).hash, '')
      assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation').length + history.length), 3, 'no entry of its own')
      assert.match((await page.textContent('dialog')) ?? '', /Join Family.*Ana invites you to Family.*Member:.*home\.example.*3.days/s)
      assert.equal((await calls(page, 'join')).length, 0)
      await page.click('dialog .primary')
      await page.waitForSelector('dialog >> text=Waiting for Ana’s devices')
      assert.deepEqual(
        (await calls(page, 'join')).map((call) => call[1]),
        [`${site.origin}/${FRAGMENT}`],
      )
      await page.click('dialog >> text=Close >> nth=-1')
      await page.waitForSelector('.waiting-meshes >> text=Waiting for Ana’s devices')
      await changeMesh(page, { status: 'joined', role: 'member' })
      await waitUntil(async () => (await page.textContent('.hidden[role=status]')) === 'You are in Family.', { what: 'it is said' })
    }))

  it('opens an invite while the page is open, and says what is wrong with one', () =>
    open('/?joined', async (page) => {
      await page.evaluate((fragment) => {
        location.hash = fragment
      }, '#join=damaged')
      const problem = await page.waitForSelector('dialog [role=alert]')
      assert.match(
        (await problem.textContent()) ?? '',
        /cannot be used\. A part of it is missing\. This invite was damaged or made up\. Ask for a new one/,
      )
      assert.equal(new URL(page.url()).hash, '')
    }))

  it('says why a claim failed and lets one try again', () =>
    open(`/?joined${FRAGMENT}`, async (page) => {
      await page.waitForSelector('dialog dl')
      await page.evaluate(() => Reflect.get(globalThis, 'fake').fail('meshes.join', 'INVITE_USED'))
      await page.click('dialog .primary')
      assert.match(
        (await page.textContent('dialog [role=alert]')) ?? '',
        /You did not join\..*Others used this invite up\. Ask for one of your own\./,
      )
      await page.evaluate(() => Reflect.get(globalThis, 'fake').fail('meshes.join', undefined))
      await page.click('dialog .primary')
      await page.waitForSelector('dialog >> text=Waiting for Ana’s devices')
    }))

  it('invites: for how many, how long, as what; shows and withdraws', () =>
    open(`/?state=meshes&joined#/meshes/${FAMILY}`, async (page) => {
      await page.click('.peer-pane .primary')
      await page.selectOption('dialog .invite-form select >> nth=0', '5')
      await page.selectOption('dialog .invite-form select >> nth=1', { label: '1 day' })
      await page.selectOption('dialog .invite-form select >> nth=2', 'guest')
      await page.click('dialog .primary')
      await page.waitForSelector('dialog canvas')
      assert.deepEqual(await calls(page, 'invite'), [['meshes.invite', FAMILY, 'guest', 5, 24]])
      await page.click('text=Another')
      await page.click('[aria-label^="Withdraw the invite: Guest"]')
      await waitUntil(async () => (await page.locator('.invite-row').count()) === 0, { what: 'it is gone' })
      assert.equal((await calls(page, 'withdraw')).length, 1)
    }))

  it('changes a role, and removes only after saying what that means', () =>
    open(`/?state=meshes&joined#/meshes/${FAMILY}`, async (page) => {
      await page.selectOption('[aria-label="Role of Léa"]', 'owner')
      await waitUntil(async () => (await calls(page, 'setRole')).length === 1, { what: 'the role is set' })
      assert.deepEqual(await calls(page, 'setRole'), [['meshes.setRole', FAMILY, LEA, 'owner']])
      await page.click('[aria-label="Remove Ana’s laptop"]')
      assert.match((await page.textContent('dialog')) ?? '', /The key of Family changes at once.*keeps the messages/s)
      assert.equal((await calls(page, 'remove')).length, 0)
      await page.click('dialog .harm')
      await waitUntil(async () => (await page.locator(`[data-member="${ANA}"]`).count()) === 0, { what: 'she is gone' })
      assert.deepEqual(await calls(page, 'remove'), [['meshes.remove', FAMILY, ANA]])
    }))

  it('shows only the devices of the chosen mesh', () =>
    open('/?state=meshes&joined#/meshes', async (page) => {
      await page.click('[aria-label="Show Family"]')
      await page.waitForSelector('[data-peer]')
      assert.deepEqual(await shownPeers(page), [ANA, LEA])
      assert.match((await page.textContent('.screen')) ?? '', /Only members of Family see each other here/)
      assert.match((await page.textContent(`[data-peer="${ANA}"] .meeting`)) ?? '', /^Family · Chess club.*· Lobby$/)
    }))

  it('takes a pasted link anywhere as an invite, not as a message', () =>
    open('/?joined', async (page) => {
      await page.evaluate((link) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', `Come in: ${link}`)
        document.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
      }, LINK)
      await page.waitForSelector('dialog >> text=Ana invites you')
    }))

  it('says what to do without a camera, and reads a code from a photo', () =>
    open('/?joined', async (page) => {
      await drawCode(page, LINK)
      await page.click('.top-name')
      await page.click('text=Use an invite')
      await page.waitForSelector('dialog >> text=Try the camera again')
      await page.fill('#pasted-invite', 'hello')
      await page.press('#pasted-invite', 'Enter')
      await page.waitForSelector('dialog .problem >> text=That is not an invite')
      const photo = await page.evaluate(async () => {
        const blob: Blob = await Reflect.get(globalThis, 'photo')
        return [...new Uint8Array(await blob.arrayBuffer())]
      })
      await page.setInputFiles('dialog input[type=file]', { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from(photo) })
      await page.waitForSelector('dialog >> text=Ana invites you')
      assert.equal((await calls(page, 'look')).at(-1)?.[1], LINK)
    }))

  it('reads a code from the camera and lets go of it', () =>
    open('/?joined', async (page) => {
      await drawCode(page, LINK)
      await page.evaluate(() => {
        const stream = (Reflect.get(globalThis, 'picture') as HTMLCanvasElement).captureStream(10)
        Object.assign(globalThis, { stream })
        navigator.mediaDevices.getUserMedia = async () => stream
      })
      await page.click('.top-name')
      await page.click('text=Use an invite')
      await page.waitForSelector('dialog >> text=Ana invites you', { timeout: 20_000 })
      const states = await page.evaluate(() => (Reflect.get(globalThis, 'stream') as MediaStream).getTracks().map(({ readyState }) => readyState))
      assert.deepEqual(states, ['ended'])
    }))
})

/** A picture of the code, as the page itself draws it for others, in `picture`; its bytes in `photo`. */
async function drawCode(page: Page, link: string): Promise<void> {
  await page.evaluate((url) => Reflect.get(globalThis, 'drawCode')(url), link)
}

async function changeMesh(page: Page, part: object): Promise<void> {
  await page.evaluate((change) => {
    const { fake, dmesh } = globalThis as unknown as { fake: { change(part: object): void }; dmesh: { state: { meshes: object[] } } }
    fake.change({ meshes: dmesh.state.meshes.map((one) => ({ ...one, ...change })) })
  }, part)
}

async function shownPeers(page: Page): Promise<readonly string[]> {
  return page.locator('[data-peer]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-peer') ?? ''))
}

async function calls(page: Page, name: string): Promise<readonly (readonly unknown[])[]> {
  const all: readonly (readonly unknown[])[] = await page.evaluate(() => Reflect.get(globalThis, 'fake').calls)
  return all.filter((call) => call[0] === `meshes.${name}`)
}
