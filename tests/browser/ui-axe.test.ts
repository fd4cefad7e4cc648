/** Every screen, at 360 and 1280 px, light and dark: no axe finding, nothing wider than the window, no error under the strict policy. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { FAMILY, LINK } from './pages/fake-meshes.ts'
import { ANA, GONE, PI, TEAM } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

interface View {
  readonly name: string
  readonly path: string
  /** Selector that must be there before looking. */
  readonly shows: string
  readonly prepare?: (page: Page) => Promise<unknown>
  /** Widths at which it fits the window: what is long scrolls inside it, never the page too. */
  readonly fits?: readonly number[]
}

const offer = { id: 'o', peer: PI, direction: 'in', name: 'concert.flac', size: 431e6, type: '', done: 0, rate: 0, status: 'offered', at: 0 }
const VIEWS: readonly View[] = [
  { name: 'first run', path: '/', shows: '.first-card', prepare: (page) => page.evaluate(() => localStorage.clear()).then(() => page.reload()) },
  { name: 'failure', path: '/?state=fail&joined', shows: '[role=alert] >> text=Retry' },
  { name: 'nobody here', path: '/?joined', shows: 'text=Nobody else is here yet' },
  { name: 'devices', path: '/?state=full&joined', shows: 'text=Workshop Pi' },
  { name: 'one device', path: `/?state=full&joined#/devices/${PI}`, shows: 'text=Why is Workshop Pi relayed?' },
  { name: 'transfers', path: '/?state=full&joined#/transfers', shows: 'text=plan.pdf' },
  { name: 'chat', path: '/?state=full&joined#/chat', shows: 'h1:has-text("Chat")' },
  { name: 'conversation', path: `/?state=full&joined#/chat/${ANA}`, shows: 'text=Did the video arrive?', fits: [360, 1280] },
  { name: 'sites', path: '/?state=full&joined#/sites', shows: 'text=not in this version' },
  {
    name: 'settings',
    path: '/?state=full&joined#/settings',
    shows: 'text=Send me messages',
    prepare: (page) =>
      page.evaluate(() => {
        for (const one of document.querySelectorAll('details')) one.open = true
      }),
  },
  {
    name: 'offer',
    path: '/?state=full&joined',
    shows: 'dialog >> text=Accept',
    prepare: (page) => page.evaluate((one) => Reflect.get(globalThis, 'fake').change({ transfers: [one] }), offer),
  },
  { name: 'devices of several meshes', path: '/?state=meshes&joined', shows: 'text=Waiting for Noor' },
  { name: 'meshes', path: '/?state=meshes&joined#/meshes', shows: 'text=Use an invite' },
  { name: 'no mesh yet', path: '/?joined#/meshes', shows: 'text=You are in no private mesh yet' },
  { name: 'one mesh', path: `/?state=meshes&joined#/meshes/${FAMILY}`, shows: 'text=Leave this mesh', prepare: openDetails },
  { name: 'waiting for a mesh', path: `/?state=meshes&joined#/meshes/${TEAM}`, shows: 'text=Stop waiting' },
  { name: 'removed from a mesh', path: `/?state=meshes&joined#/meshes/${GONE}`, shows: 'text=Forget this mesh' },
  { name: 'new mesh', path: '/?joined', shows: 'dialog >> text=Make it', prepare: (page) => openDialog(page, { kind: 'new' }) },
  { name: 'scanner', path: '/?joined', shows: 'dialog >> text=Try the camera again', prepare: (page) => openDialog(page, { kind: 'scan' }) },
  { name: 'opened invite', path: '/?joined', shows: 'dialog dl', prepare: (page) => openDialog(page, { kind: 'join', link: LINK }) },
  { name: 'broken invite', path: '/?joined', shows: 'dialog [role=alert]', prepare: (page) => openDialog(page, { kind: 'join', link: 'x' }) },
  { name: 'claimed invite', path: '/?joined', shows: 'dialog >> text=Waiting for Ana', prepare: claim },
  {
    name: 'invite of a mesh',
    path: `/?state=meshes&joined#/meshes/${FAMILY}`,
    shows: 'dialog canvas',
    prepare: async (page) => {
      await page.click('.peer-pane .primary')
      await page.click('dialog .primary')
      await page.waitForSelector('dialog canvas')
      await page.click('text=Another')
      await page.click('dialog .primary')
    },
  },
  {
    name: 'form of an invite',
    path: `/?state=meshes&joined#/meshes/${FAMILY}`,
    shows: 'dialog select',
    prepare: (page) => page.click('.peer-pane .primary'),
  },
  {
    name: 'removing a member',
    path: `/?state=meshes&joined#/meshes/${FAMILY}`,
    shows: 'dialog >> text=Keep',
    prepare: (page) => page.click('[aria-label^="Remove Ana"]'),
  },
  { name: 'first run by an invite', path: `/?${LINK.slice(LINK.indexOf('#'))}`, shows: 'text=Ana invites you to Family', prepare: forget },
  { name: 'invite', path: '/?state=full&joined&origin=https://home.example', shows: 'dialog canvas', prepare: (page) => page.click('.top button') },
]

function openDetails(page: Page): Promise<unknown> {
  return page.evaluate(() => {
    for (const one of document.querySelectorAll('details')) one.open = true
  })
}

function openDialog(page: Page, dialog: unknown): Promise<unknown> {
  return page.evaluate((wanted) => {
    Reflect.get(globalThis, 'uiApp').dialog.value = wanted
  }, dialog)
}

async function claim(page: Page): Promise<void> {
  await openDialog(page, { kind: 'join', link: LINK })
  await page.click('dialog .primary')
}

/** As on a browser that was never here; the fragment is gone by now and is given again. */
async function forget(page: Page): Promise<void> {
  const url = page.url()
  await page.evaluate(() => localStorage.clear())
  await page.goto('about:blank')
  await page.goto(url + LINK.slice(LINK.indexOf('#')))
}

describe('screens of the page', { timeout: 300_000 }, () => {
  let site: UiSite
  let chromium: Chromium
  let axe: string
  before(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    site = await startUiSite()
    chromium = await startChromium()
  })
  after(async () => {
    await chromium?.close()
    await site?.close()
  })
  for (const view of VIEWS) {
    for (const width of [360, 1280]) {
      it(`${view.name} is clean at ${width} px in both themes`, async () => {
        const [context] = chromium.browser.contexts()
        assert.ok(context)
        const { page, errors } = await openPage(context, site.origin + view.path, { width, height: 800 })
        try {
          await page.emulateMedia({ reducedMotion: 'reduce' })
          await view.prepare?.(page)
          await page.waitForSelector(view.shows)
          await page.evaluate(axe)
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
            assert.deepEqual(await findings(page), [], `${view.name}, ${width} px, ${colorScheme}`)
            assert.ok((await overflow(page)) <= 0, `${view.name} is ${await overflow(page)} px too wide`)
          }
          if (view.fits?.includes(width)) assert.equal(await scrolls(page), 0, `${view.name}: the page scrolls too`)
          assert.deepEqual(errors, [])
        } finally {
          await page.close()
        }
      })
    }
  }
})

async function findings(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const { violations } = await Reflect.get(globalThis, 'axe').run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.map(
      (one: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} — ${node.failureSummary.slice(0, 200)}`).join(' | ')}`,
    )
  })
}

async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

/** px the page as a whole can be scrolled down. */
async function scrolls(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight)
}
