/** The bridge in a real Chromium: pages and workers of every kind, deaths, updates, memory, forced-off switches. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright'
import { STREAM_WINDOW } from '../../src/bridge/limits.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { waitUntil } from '../support/wait.ts'
import type { BridgeApi } from './pages/bridge.page.ts'

type Answer<K extends keyof BridgeApi> = Awaited<ReturnType<BridgeApi[K]>>
const MIB = 1024 * 1024
/** Each runs the whole list: none may be needed. */
const SWITCHES = ['', 'sharedWorker', 'webLocks', 'sharedWorker,webLocks', 'webRtc', 'serviceWorker'] as const

describe('bridge', { timeout: 300_000 }, () => {
  let server: PageServer
  let chromium: Chromium
  let context: BrowserContext
  let workerBuild = 'build-1'

  before(async () => {
    const entries = { page: 'tests/browser/pages/bridge.page.ts', bridge: 'tests/browser/pages/bridge.worker.ts' }
    server = await startPageServer({
      entries,
      route: (request, response) => {
        if (request.url !== '/bridge.js') return false
        const code = Buffer.from(server.files.get('/bridge.js') ?? '').toString()
        response
          .writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'no-store' })
          .end(`globalThis.testBuild = '${workerBuild}'\n${code.replace(/^(import[^\n]*\n)+/, (imports) => imports)}`)
        return true
      },
    })
  })
  after(() => server?.close())
  // A profile for each group: a SharedWorker outlives its last page by minutes.
  const start = async () => {
    workerBuild = 'build-1'
    chromium = await startChromium({ args: ['--host-resolver-rules=MAP insecure.test 127.0.0.1'] })
    context = chromium.browser.contexts()[0] as BrowserContext
  }
  const stop = () => chromium?.close()

  const open = async (query = ''): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(`${server.origin}/?${query}`)
    await waitUntil(() => page.evaluate(() => 'bridge' in globalThis), { what: 'the page' })
    return page
  }
  const run = <K extends keyof BridgeApi>(page: Page, name: K, ...args: Parameters<BridgeApi[K]>): Promise<Answer<K>> =>
    page.evaluate(
      ([key, values]) =>
        (globalThis as unknown as { bridge: Record<string, (...args: unknown[]) => unknown> }).bridge[key as string]?.(...(values as unknown[])),
      [name, args] as const,
    ) as Promise<Answer<K>>
  for (const off of SWITCHES) {
    const query = off ? `off=${off}` : ''
    const shared = !off.includes('sharedWorker')
    describe(off ? `with ${off} switched off` : 'with everything', () => {
      before(start)
      after(stop)

      it('two tabs share one mesh, and calls, events, streams, files and handlers work in both', async (t) => {
        const first = await open(query)
        const ready = await run(first, 'ready')
        assert.deepEqual(ready, { name: (ready as { name: string }).name, host: shared ? 'shared worker' : 'dedicated worker', status: 'relayed' })
        const second = await open(query)
        assert.equal(await run(second, 'name'), await run(first, 'name'), 'both tabs see the same instance')
        assert.equal(await run(second, 'ask', '/fake/starts/1.0.0'), '1')
        for (const page of [first, second]) {
          const { same, ms } = await run(page, 'echo', 8 * MIB)
          assert.ok(same)
          t.diagnostic(`8 MiB there and back: ${((16 / ms) * 1000).toFixed(0)} MiB/s`)
          assert.deepEqual(await run(page, 'fail', 'nowhere'), { code: 'PEER_UNREACHABLE', name: 'NetworkError', cause: 'RELAY_FULL' })
          assert.deepEqual(await run(page, 'file'), ['a.txt 10 hello', 'bytes of some'])
          assert.deepEqual(await run(page, 'events'), ['one', 'two'])
        }
        await run(second, 'handle')
        assert.match(await run(first, 'shout', 'hello'), /^HELLO from /)
        await run(first, 'rename', 'a new name')
        await waitUntil(async () => (await run(second, 'name')) === 'a new name', { what: 'the snapshot in the other tab' })
      })

      it('a reader that stands still costs one window', async () => {
        const [page] = context.pages().slice(1) as [Page]
        await run(page, 'pour')
        let last = -1
        const poured = await waitUntil(
          async () => {
            const now = Number(await run(page, 'ask', '/fake/poured/1.0.0'))
            const still = now > 0 && now === last
            last = now
            return still ? now : undefined
          },
          { what: 'the writer to stop' },
        )
        // The window, the pair's own buffer, and a chunk at each hand-over.
        assert.ok(poured <= STREAM_WINDOW + 256 * 1024, `${poured} bytes on their way to a page that does not read`)
        assert.ok((await run(page, 'drainPoured')) >= 4 * MIB)
      })

      it('the next tab takes over when the first one closes', async (t) => {
        const [first, second] = context.pages().slice(1) as [Page, Page]
        const expected = off === 'webRtc' ? 'false' : 'true'
        await waitUntil(async () => (await run(first, 'ask', '/fake/available/1.0.0')) === expected, { what: `WebRTC available: ${expected}` })
        const start = performance.now()
        await first.close()
        await waitUntil(() => run(second, 'elected'), { ms: 10_000, what: 'the second tab to be elected' })
        await waitUntil(async () => (await run(second, 'ask', '/fake/available/1.0.0')) === expected, {
          ms: 10_000,
          what: `WebRTC available again: ${expected}`,
        })
        t.diagnostic(`taken over after ${(performance.now() - start).toFixed(0)} ms`)
        const result = await run(second, 'ask', '/fake/rtc/1.0.0')
        if (off === 'webRtc') assert.equal(result, '"no host"')
        else {
          const { sent, received } = JSON.parse(result) as { sent: string; received: string }
          assert.equal(received, sent)
        }
        assert.equal(await run(second, 'status'), 'relayed')
      })

      it('calls and streams fail with WORKER_GONE when the worker dies, and a new worker takes over with the handlers', async (t) => {
        const [page] = context.pages().slice(1) as [Page]
        await run(page, 'handle')
        const { codes, ms } = await run(page, 'killWhileWaiting', shared ? 'close' : 'terminate')
        assert.deepEqual(codes, ['WORKER_GONE', 'WORKER_GONE', 'WORKER_GONE'])
        t.diagnostic(`rejected after ${ms.toFixed(0)} ms`)
        assert.ok(ms <= (off.includes('webLocks') ? 4_000 : 500), `took ${ms} ms`)
        assert.match(await run(page, 'shout', 'again'), /^AGAIN from /)
        assert.equal(await run(page, 'ask', '/fake/starts/1.0.0'), '1')
      })
    })
  }

  describe('over time', () => {
    before(start)
    after(stop)

    it('an older worker drains when a newer page comes, and the older page says UNKNOWN_VERSION', async (t) => {
      const old = await open('build=build-1')
      const { name } = (await run(old, 'ready')) as { name: string }
      workerBuild = 'build-2'
      const begin = performance.now()
      const fresh = await open('build=build-2')
      const ready = (await run(fresh, 'ready')) as { name: string }
      t.diagnostic(`new worker ready after ${(performance.now() - begin).toFixed(0)} ms`)
      assert.notEqual(ready.name, name)
      await waitUntil(async () => (await run(old, 'ask', '/fake/starts/1.0.0')) === 'UNKNOWN_VERSION', {
        ms: 10_000,
        what: 'the older page to know that it is old',
      })
      assert.equal(await run(old, 'status'), 'stopped')
      assert.equal(await run(fresh, 'ask', '/fake/starts/1.0.0'), '1', 'the old page did not end the new worker')
      for (const page of [old, fresh]) await page.close()
    })

    it('a SharedWorker without pages lets go when another kind of worker wants the mesh', async (t) => {
      const shared = await open('build=build-2')
      const { name } = (await run(shared, 'ready')) as { name: string }
      await shared.goto('about:blank')
      const begin = performance.now()
      const dedicated = await open('build=build-2&off=sharedWorker')
      const ready = (await run(dedicated, 'ready')) as { name: string; host: string }
      t.diagnostic(`taken over after ${(performance.now() - begin).toFixed(0)} ms`)
      assert.equal(ready.host, 'dedicated worker')
      assert.notEqual(ready.name, name)
      for (const page of [shared, dedicated]) await page.close()
    })

    it('connectPage() rejects with INSECURE_ORIGIN where browsers give no keys', async () => {
      const page = await context.newPage()
      await page.goto(server.origin.replace('localhost', 'insecure.test'))
      await waitUntil(() => page.evaluate(() => 'bridge' in globalThis), { what: 'the page' })
      assert.equal(await run(page, 'ready'), 'INSECURE_ORIGIN')
      await page.close()
    })

    it('a page that comes back from the back/forward cache has its mesh again', async () => {
      const page = await open('build=build-2')
      const { name } = (await run(page, 'ready')) as { name: string }
      await page.evaluate(() => Object.assign(globalThis, { marker: true }))
      await page.goto('about:blank')
      await page.goBack({ waitUntil: 'commit' })
      await waitUntil(() => page.evaluate(() => 'bridge' in globalThis), { what: 'the page' })
      assert.ok(await page.evaluate(() => 'marker' in globalThis), 'it came from the back/forward cache')
      await waitUntil(async () => (await run(page, 'status')) === 'relayed', { ms: 10_000, what: 'its mesh' })
      assert.equal(await run(page, 'name'), name, 'the same worker')
      await page.close()
    })
  })
})
