/** The identity in a real browser on real IndexedDB: not exportable, the same after reload and restart, one for all tabs and workers, and no secret in any store. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import type { IdentityPage } from './pages/identity.page.ts'

declare const identityPage: IdentityPage

let server: PageServer
let chromium: Chromium
let userDataDir: string

before(async () => {
  userDataDir = await mkdtemp(join(tmpdir(), 'dmesh-identity-'))
  server = await startPageServer({ entries: { page: 'tests/browser/pages/identity.page.ts' } })
  chromium = await startChromium({ userDataDir })
})
after(async () => {
  await chromium?.close()
  await server?.close()
  await rm(userDataDir, { recursive: true, force: true })
})

const profile = () => chromium.browser.contexts()[0] as BrowserContext

async function open(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(server.origin)
  await page.waitForFunction('globalThis.identityPage')
  return page
}

for (const mode of [
  { name: 'WebCrypto', webCrypto: true },
  { name: 'the fallback', webCrypto: false },
]) {
  test(`loadBrowserIdentity() by ${mode.name} keeps nothing that can be exported or read`, async () => {
    const context = await chromium.browser.newContext()
    const page = await open(context)
    const first = await page.evaluate((webCrypto) => identityPage.load({ webCrypto }), mode.webCrypto)
    assert.deepEqual({ isNew: first.isNew, valid: first.valid, shared: first.shared }, { isNew: true, valid: true, shared: true })
    assert.equal(first.seeds.length, mode.webCrypto ? 0 : 2)

    const dump = await page.evaluate(() => identityPage.dump())
    assert.ok(dump.stores > 0)
    const kind = mode.webCrypto ? ['Ed25519 private', 'X25519 private'] : ['AES-GCM secret', 'AES-GCM secret']
    assert.deepEqual(dump.keys.map((key) => `${key.algorithm} ${key.type}`).sort(), kind)
    for (const key of dump.keys) assert.deepEqual({ extractable: key.extractable, exports: key.exports }, { extractable: false, exports: [] })
    for (const bytes of dump.bytes) for (const seed of first.seeds) assert.ok(!bytes.includes(seed), 'a seed lies in a store')
    assert.ok(
      dump.bytes.some((bytes) => bytes.includes(first.sealing)),
      'the look sees what is stored',
    )

    await page.reload()
    await page.waitForFunction('globalThis.identityPage')
    const second = await page.evaluate((webCrypto) => identityPage.load({ webCrypto }), mode.webCrypto)
    assert.deepEqual({ ...second, isNew: true, seeds: first.seeds }, first)
    assert.equal(second.isNew, false)
    await context.close()
  })
}

test('loadBrowserIdentity() gives two racing tabs, a worker and a SharedWorker one key, new for exactly one', async () => {
  const context = await chromium.browser.newContext()
  const [left, right] = await Promise.all([open(context), open(context)])
  const all = await Promise.all([
    left.evaluate(() => identityPage.load()),
    right.evaluate(() => identityPage.load()),
    left.evaluate(() => identityPage.loadInWorker()),
    right.evaluate(() => identityPage.loadInWorker(true)),
  ])
  assert.equal(new Set(all.map(({ peer, sealing }) => `${peer} ${sealing}`)).size, 1)
  assert.equal(all.filter(({ isNew }) => isNew).length, 1)
  await context.close()
})

test('loadBrowserIdentity() finds the same peer after the browser was closed and started again', async () => {
  const first = await (await open(profile())).evaluate(() => identityPage.load({ webCrypto: false }))
  assert.equal(first.isNew, true)
  await chromium.close()
  const files = await readProfile(userDataDir)
  assert.ok(
    files.some((file) => file.includes(Buffer.from(first.sealing, 'hex'))),
    'the public half is found on disk, so the search works',
  )
  for (const seed of first.seeds) assert.ok(!files.some((file) => file.includes(Buffer.from(seed, 'hex'))), 'a seed lies in a file of the profile')
  chromium = await startChromium({ userDataDir })
  // Another port is another origin to the browser, so the server of this test must be the same one.
  const second = await (await open(profile())).evaluate(() => identityPage.load())
  assert.equal(second.peer, first.peer)
  assert.equal(second.isNew, false)
})

test('the bundle loads @noble/curves only when it is needed', async () => {
  const context = await chromium.browser.newContext()
  const page = await context.newPage()
  const loaded: string[] = []
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname))
  await page.goto(server.origin)
  await page.waitForFunction('globalThis.identityPage')
  await page.evaluate(() => identityPage.load({ webCrypto: true }))
  assert.ok(!loaded.some((path) => path.includes('noble')), loaded.join(' '))
  await context.clearCookies()
  await page.evaluate(() => indexedDB.deleteDatabase('dmesh') && undefined)
  await page.evaluate(() => identityPage.load({ webCrypto: false }))
  assert.ok(
    loaded.some((path) => path.includes('noble')),
    loaded.join(' '),
  )
  await context.close()
})

/** Every file below the profile's IndexedDB, whole. */
async function readProfile(directory: string): Promise<Buffer[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).includes('IndexedDB'))
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name))))
}
