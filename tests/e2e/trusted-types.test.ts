/** The built page under its own policy of Trusted Types: it joins the mesh with its workers, and a string that is no worker of ours never becomes code. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Chromium, startChromium } from '../support/browser.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

let relay: Awaited<ReturnType<typeof startTestRelay>>
let chromium: Chromium
before(async () => {
  relay = await startTestRelay({ args: ['--udp', 'off'] })
  chromium = await startChromium()
})
after(async () => {
  await chromium?.close()
  await relay?.end()
})

test('the page joins, and refuses strings as code', async () => {
  const page = await chromium.browser.contexts()[0]?.newPage()
  assert.ok(page)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => void (message.text().includes('Trusted') && faults.push(message.text())))
  const answer = await page.goto(`${relay.url}/`)
  assert.match(answer?.headers()['content-security-policy'] ?? '', /require-trusted-types-for 'script'; trusted-types default/)
  const status = () => page.evaluate(() => globalThis.dmesh?.state?.status)
  await waitUntil(async () => (await status()) === 'relayed', { ms: 30_000, what: 'the mesh in its worker' })
  await waitUntil(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration()) !== undefined), {
    ms: 10_000,
    what: 'the service worker',
  })
  assert.deepEqual(faults, [])
  const refused = await page.evaluate(() => {
    const outcomes: string[] = []
    for (const use of [
      () => Object.assign(document.createElement('script'), { src: '/p2p/peer/x.js' }),
      () => Object.assign(document.createElement('div'), { innerHTML: '<b>x</b>' }),
      () => new Worker('/p2p/peer/x.js'),
      () => new Worker(URL.createObjectURL(new Blob(['1']))),
    ]) {
      try {
        use()
        outcomes.push('taken')
      } catch {
        outcomes.push('refused')
      }
    }
    return outcomes
  })
  assert.deepEqual(refused, ['refused', 'refused', 'refused', 'refused'])
})
