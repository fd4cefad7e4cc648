/** Names, messages and file names of strangers are shown as text: no markup, no turned-around lines, no broken layout. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { ANA, fullState } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

const EVIL = [
  '<img src=x onerror="globalThis.pwned=1">',
  '"><script>globalThis.pwned=1</script>',
  'javascript:globalThis.pwned=1',
  '\u202Egnp.exe\u202C\u2066\u200F',
  `A${'\u0300'.repeat(400)}`,
  'W'.repeat(5000),
  '\u0000\u0007\u001b[31m\n\n\n',
  '🏴‍☠️'.repeat(300),
  '{{constructor.constructor("globalThis.pwned=1")()}}',
]

describe('what strangers chose', { timeout: 120_000 }, () => {
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

  for (const [number, text] of EVIL.entries()) {
    it(`stays text in names, messages and files: case ${number + 1}`, async () => {
      const [context] = chromium.browser.contexts()
      assert.ok(context)
      const { page, errors } = await openPage(context, `${site.origin}/?state=full&joined`)
      try {
        await page.evaluate(
          ({ state, evil, ana }) => {
            const peers = state.peers.map((peer) => ({
              ...peer,
              name: evil,
              kind: evil,
              attempts: [{ transport: 'webrtc', what: evil, outcome: evil, at: 1 }],
            }))
            const transfers = state.transfers.map((one) => ({ ...one, name: evil, problem: { code: 'INTERNAL', message: evil } }))
            const messages = [{ id: 'e', peer: ana, direction: 'in', topic: 'chat', text: evil, size: 10, status: 'delivered', at: Date.now() }]
            const relays = state.relays.map((relay) => ({ ...relay, name: evil, problem: { code: evil, message: evil }, quotas: { [evil]: 3 } }))
            Reflect.get(globalThis, 'fake').change({ ...state, name: evil, peers, transfers, messages, relays })
          },
          { state: fullState(Date.now()), evil: text, ana: ANA },
        )
        for (const hash of ['#/devices', `#/devices/${ANA}`, '#/transfers', '#/chat', `#/chat/${ANA}`, '#/settings']) {
          await page.evaluate((next) => void Object.assign(location, { hash: next }), hash)
          await waitUntil(() => page.evaluate(() => document.querySelector('main')?.textContent), { what: `${hash} is shown` })
          const found = await page.evaluate(() => ({
            pwned: Reflect.has(globalThis, 'pwned'),
            markup: document.querySelectorAll('main img, main script, main iframe, main [onerror]').length,
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            hidden: /(?!\n)[\p{Cc}\u202A-\u202E\u2066-\u2069\u200E\u200F]/u.test(document.body.textContent ?? ''),
            links: [...document.querySelectorAll('a')].filter((one) => !one.getAttribute('href')?.startsWith('#/')).length,
          }))
          assert.deepEqual(found, { pwned: false, markup: 0, wide: 0, hidden: false, links: 0 }, hash)
        }
        assert.deepEqual(errors, [])
      } finally {
        await page.close()
      }
    })
  }
})
