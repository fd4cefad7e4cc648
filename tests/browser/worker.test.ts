/** The Mesh contract in a real Chromium over a real relay: in the worker that owns the meshes and in a page behind the bridge; relayed only, and with WebRTC through the stand-in. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { MESH_CASES } from '../contract/mesh-api.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { siteOfRelay } from '../support/site-of-relay.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

describe('Mesh contract in Chromium', { timeout: 240_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let server: PageServer
  let chromium: Chromium

  before(async () => {
    relay = await startTestRelay()
    server = await startPageServer({
      entries: { page: 'tests/browser/pages/contract.page.ts' },
      // The page's own origin names the relay, as it does in the product.
      route: siteOfRelay(relay.port),
    })
    chromium = await startChromium()
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
    await relay?.end()
  })

  for (const where of ['inWorker', 'inPage'] as const) {
    for (const withHost of [false, true]) {
      it(`${where === 'inWorker' ? 'in the worker' : 'in the page'}, ${withHost ? 'with' : 'without'} WebRTC`, async () => {
        const page = await (chromium.browser.contexts()[0] as NonNullable<ReturnType<Chromium['browser']['contexts']>[0]>).newPage()
        await page.goto(server.origin)
        await waitUntil(() => page.evaluate(() => 'contract' in globalThis), { what: 'the page' })
        const results = (await page.evaluate(
          ([key, value]) => (globalThis as unknown as { contract: Record<string, (value: boolean) => Promise<string[]>> }).contract[key]?.(value),
          [where, withHost] as const,
        )) as string[]
        await page.close()
        assert.deepEqual(
          results,
          MESH_CASES.map(({ name }) => `ok ${name}`),
        )
      })
    }
  }
})
