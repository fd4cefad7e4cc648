/** Every screen, at 360 and 1280 px, light and dark: no axe finding, nothing wider than the window, no error under the strict policy. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { ANA, PI } from './pages/fake-state.ts'
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
  { name: 'invite', path: '/?state=full&joined&origin=https://home.example', shows: 'dialog canvas', prepare: (page) => page.click('.top button') },
]

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
