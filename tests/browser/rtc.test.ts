/** The RTC host and its stand-in in a real Chromium: exposure, bytes, back-pressure, loss of the host. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { waitUntil } from '../support/wait.ts'

interface TestApi {
  start(kind: string): void
  host(name: string): Promise<void>
  hosted(): number | undefined
  call(command: string, ...args: unknown[]): Promise<unknown>
  raw(total: number): Promise<unknown>
}
interface Result {
  readonly bytes: number
  readonly sent: string
  readonly received: string
  readonly ms: number
  readonly openMs: number
  readonly peak: number
}

const MIB = 1024 * 1024

describe('RTC stand-in', () => {
  let server: PageServer
  let chromium: Chromium
  let context: BrowserContext

  before(async () => {
    ;[server, chromium] = await Promise.all([startPageServer({ entries: { page: 'tests/browser/pages/rtc.page.ts' } }), startChromium()])
    context = chromium.browser.contexts()[0] as BrowserContext
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
  })

  const open = async (kind: 'shared' | 'dedicated', host?: string): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(server.origin)
    await page.evaluate((value) => (globalThis as unknown as { test: TestApi }).test.start(value), kind)
    if (host) await page.evaluate((value) => (globalThis as unknown as { test: TestApi }).test.host(value), host)
    return page
  }
  const call = <T>(page: Page, command: string, ...args: unknown[]): Promise<T> =>
    page.evaluate(([name, rest]) => (globalThis as unknown as { test: TestApi }).test.call(name, ...rest), [command, args] as const) as Promise<T>

  for (const kind of ['dedicated', 'shared'] as const) {
    it(`RTCPeerConnection exists in a ${kind} worker only through the stand-in and fails with NOT_SUPPORTED without a host`, async () => {
      const page = await open(kind)
      assert.deepEqual(await call(page, 'exposure'), { native: false, now: true, available: false })
      assert.equal(await call(page, 'construct'), 'NOT_SUPPORTED')
      await page.close()
    })

    it(`two stand-ins in a ${kind} worker exchange 20 MiB beside raw connections of the window`, async (t) => {
      const page = await open(kind, `exchange-${kind}`)
      const mine = await call<Result>(page, 'exchange', 20 * MIB)
      const raw = (await page.evaluate((total) => (globalThis as unknown as { test: TestApi }).test.raw(total), 20 * MIB)) as Result
      assert.equal(mine.bytes, 20 * MIB)
      assert.equal(mine.received, mine.sent)
      assert.equal(raw.received, raw.sent)
      assert.ok(mine.peak <= MIB + 16_384, `bufferedAmount peaked at ${mine.peak}`)
      const rate = (result: Result) => (result.bytes / MIB / (result.ms / 1000)).toFixed(1)
      t.diagnostic(
        `${kind}: ${rate(mine)} MiB/s, open ${mine.openMs.toFixed(0)} ms; raw window: ${rate(raw)} MiB/s, open ${raw.openMs.toFixed(0)} ms`,
      )
      await waitUntil(() => page.evaluate(() => (globalThis as unknown as { test: TestApi }).test.hosted() === 0), {
        what: 'the host lets go of closed connections',
      })
      await page.close()
    })
  }

  it('send() throws LIMIT_REACHED before more than 8 MiB wait when nobody drains', async () => {
    const page = await open('dedicated', 'flood')
    const { accepted, code } = await call<{ accepted: number; code: string }>(page, 'flood')
    assert.equal(code, 'LIMIT_REACHED')
    assert.ok(accepted <= 8 * MIB && accepted > 7 * MIB, `accepted ${accepted}`)
    await page.close()
  })

  it('getStats, sctp and generateCertificate answer as the window does', async () => {
    const page = await open('dedicated', 'stats')
    const result = await call<{ stats: string[]; max: number; fingerprints: { value: string }[]; sdp: string }>(page, 'stats')
    assert.ok(result.stats.includes('candidate-pair'))
    assert.ok(result.max >= 65_536)
    const [fingerprint] = result.fingerprints
    assert.ok(
      fingerprint && result.sdp.toLowerCase().includes(fingerprint.value.toLowerCase()),
      'the offer carries the certificate that was asked for',
    )
    await page.close()
  })

  it('connections close within 200 ms when the host tab closes, and the next tab takes over', async (t) => {
    const watcher = await open('shared')
    const first = await open('shared', 'first')
    assert.equal(await call(watcher, 'hold'), 'open')
    await watcher.evaluate(() => (globalThis as unknown as { test: TestApi }).test.host('second'))
    const closing = Date.now()
    await first.close({ runBeforeUnload: false })
    const events = await waitUntil(
      async () => {
        const seen = (await call<{ name: string; at: number }[]>(watcher, 'events')).filter(
          ({ name }) => !name.includes('connect') || name.endsWith('closed'),
        )
        return seen.length === 3 ? seen : undefined
      },
      { what: 'the connection closes in the worker' },
    )
    const last = Math.max(...events.map(({ at }) => at))
    t.diagnostic(`closed ${(last - closing).toFixed(0)} ms after the close of the tab was asked for`)
    assert.deepEqual(events.map(({ name }) => name).sort(), ['close closed', 'connection closed', 'error PATH_LOST'])
    assert.ok(last - closing <= 200, `took ${last - closing} ms`)
    const result = await call<Result>(watcher, 'exchange', MIB)
    assert.equal(result.received, result.sent)
    await watcher.close()
  })
})
