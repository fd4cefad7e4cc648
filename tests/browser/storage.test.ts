/** The browser stores in a real Chromium: contract suites in page, dedicated worker and SharedWorker, keys that survive a reload, upgrades, a full quota. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Page } from 'playwright'
import { patternBytes } from '../contract/file-store.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { waitUntil } from '../support/wait.ts'
import type { CaseResult } from './pages/storage-cases.ts'

type StorageTest = Record<string, (...args: unknown[]) => Promise<unknown>>

describe('storage in Chromium', { timeout: 120_000 }, () => {
  let chromium: Chromium
  let server: PageServer
  let page: Page

  before(async () => {
    server = await startPageServer({ entries: { page: 'tests/browser/pages/storage.page.ts' } })
    chromium = await startChromium()
    page = await open()
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
  })

  const open = async (origin = server.origin): Promise<Page> => {
    const fresh = await (chromium.browser.contexts()[0] as NonNullable<ReturnType<Chromium['browser']['contexts']>[0]>).newPage()
    await fresh.goto(origin)
    await waitUntil(() => fresh.evaluate(() => 'storageTest' in globalThis), { what: 'the page' })
    return fresh
  }
  const run = <T>(name: string, ...args: unknown[]): Promise<T> => runIn(page, name, ...args)
  const runIn = <T>(where: Page, name: string, ...args: unknown[]): Promise<T> =>
    where.evaluate(
      ([key, values]) => (globalThis as unknown as { storageTest: StorageTest }).storageTest[key as string]?.(...(values as unknown[])),
      [name, args] as const,
    ) as Promise<T>

  it('openBrowserRecords keeps the RecordStore contract', (t) => report(t, run('records')))
  it('openOpfsFiles keeps the FileStore contract in a dedicated worker', (t) => report(t, run('sync', 'cases')))
  it('createPortFiles keeps the FileStore contract from a SharedWorker to the storage worker', (t) => report(t, run('shared', 'port')))
  it('openOpfsFilesAsync keeps the FileStore contract in a SharedWorker', (t) => report(t, run('shared', 'async')))

  it('a non-extractable key survives a reload and cannot be exported', async () => {
    await run('saveKey')
    await page.reload()
    await waitUntil(() => page.evaluate(() => 'storageTest' in globalThis), { what: 'the page after its reload' })
    assert.equal(await run('useKey'), '64 refused')
  })

  it('lets go of the database when a newer version wants it, and says CLOSED afterwards', async () => {
    assert.equal(await run('upgrade'), 'opened CLOSED')
  })

  it('holds one lock per directory: a second worker waits and can give up', async () => {
    assert.equal(await run('sync', 'lock'), 'ABORTED')
  })

  it('another tab takes over when the tab with the storage worker goes, and the file goes on', async () => {
    const first = await open()
    const second = await open()
    assert.equal(await runIn(first, 'shared', 'begin', undefined, true), 'begun')
    // The worker ends with its last tab: the second has to hold it before the first goes.
    assert.equal(await runIn(second, 'meet'), 'met')
    const resumed = runIn<Record<string, unknown>>(second, 'shared', 'resume', undefined, true)
    await first.close()
    const sha256 = createHash('sha256').update(patternBytes(300_000, 1)).update(patternBytes(300_000, 2)).digest('hex')
    assert.deepEqual(await resumed, { lost: 'WORKER_GONE', offset: 262_144, size: 600_000, sha256 })
    await second.close()
  })

  it('openBrowserRecords fails with STORAGE_FULL when the quota is used up and keeps what was there', async () => {
    // An origin of its own: Chromium remembers for a while how much room IndexedDB had.
    const origin = server.origin.replace('localhost', '127.0.0.1')
    const session = await page.context().newCDPSession(page)
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 8 * 1_048_576 })
    const other = await open(origin)
    assert.equal(await runIn(other, 'fillRecords'), 'STORAGE_FULL kept')
    await other.close()
  })

  it('openOpfsFiles fails with STORAGE_FULL when the quota is used up, keeps what it took until that is removed, and works again afterwards', async () => {
    const session = await page.context().newCDPSession(page)
    // The cases before left files behind: 8 MiB more than those.
    const used = Number(await run('usage'))
    await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: used + 8 * 1_048_576 })
    try {
      const full = await run<{ code: string; written: number; names: string[] }>('sync', 'full')
      assert.equal(full.code, 'STORAGE_FULL')
      assert.ok(full.written > 0 && full.written < 8 * 1_048_576, `${full.written} bytes fit into 8 MiB`)
      assert.deepEqual(full.names, ['big.part'])
    } finally {
      await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin })
    }
    assert.equal(await run('sync', 'small'), 1_048_576)
  })
})

async function report(t: TestContext, work: Promise<CaseResult[]>): Promise<void> {
  const results = await work
  assert.ok(results.length > 5, 'the cases ran')
  for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined))
}
