/** What a person does reaches the mesh as the right call, and what the mesh says is on the screen: sending, receiving, saving, switching, retrying. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import type { PageHandle } from '../../src/ui/page-handle.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { waitUntil } from '../support/wait.ts'
import { ANA, LEA, PI } from './pages/fake-state.ts'
import { openPage, startUiSite, type UiSite } from './ui-site.ts'

describe('the page and its mesh', { timeout: 180_000 }, () => {
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

  const open = async (path: string, work: (page: Page) => Promise<void>, size?: { width: number; height: number }) => {
    const [context] = chromium.browser.contexts()
    assert.ok(context)
    const { page, errors } = await openPage(context, site.origin + path, size)
    try {
      await work(page)
      assert.deepEqual(errors, [])
    } finally {
      await page.close()
    }
  }

  it('offers the chosen files to the peer of the row', () =>
    open('/?state=full&joined', async (page) => {
      await page.setInputFiles(`[data-peer="${PI}"] input[type=file]`, [file('a.txt', 'aaa'), file('b.txt', 'bb')])
      await waitUntil(async () => (await calls(page, 'files.offer')).length === 2, { what: 'both files are offered' })
      assert.deepEqual(await calls(page, 'files.offer'), [
        ['files.offer', PI, 'a.txt', 3],
        ['files.offer', PI, 'b.txt', 2],
      ])
      await page.waitForSelector(`[data-peer="${PI}"] >> text=waits for their answer`)
    }))

  it('asks for whom files are that were chosen without a device, and leaves out who is away', () =>
    open('/?state=full&joined', async (page) => {
      await page.setInputFiles('.drop + input', [file('plan.pdf', 'x'.repeat(1500))])
      await page.waitForSelector('dialog >> text=Send plan.pdf (1.5 kB) to')
      assert.equal(await page.locator('dialog li').count(), 3)
      await page.click('dialog [aria-label="Send to NAS"]')
      await waitUntil(async () => (await calls(page, 'files.offer')).length === 1, { what: 'the file is offered' })
    }))

  it('takes a pasted text as a message, also for somebody who is away', () =>
    open('/?state=full&joined', async (page) => {
      await page.evaluate(() => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', 'the address')
        document.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
      })
      await page.waitForSelector('dialog >> text=Send this text to')
      await page.click('dialog [aria-label="Send to Léa"]')
      await waitUntil(async () => (await calls(page, 'send')).length === 1, { what: 'the text is sent' })
      assert.deepEqual(await calls(page, 'send'), [['send', LEA, 'chat', 'the address']])
    }))

  it('offers a file dropped on a row', () =>
    open('/?state=full&joined', async (page) => {
      await page.evaluate((peer) => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['dropped'], 'dropped.bin'))
        document.querySelector(`[data-peer="${peer}"]`)?.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
      }, ANA)
      await waitUntil(async () => (await calls(page, 'files.offer')).length === 1, { what: 'the dropped file is offered' })
      assert.deepEqual(await calls(page, 'files.offer'), [['files.offer', ANA, 'dropped.bin', 7]])
    }))

  it('offers a folder dropped on a row as one, with the paths of its files', () =>
    open('/?state=full&joined', async (page) => {
      const folder = mkdtempSync(join(tmpdir(), 'dmesh-drop-'))
      mkdirSync(join(folder, 'Photos', 'sub'), { recursive: true })
      writeFileSync(join(folder, 'Photos', 'a.txt'), 'hello')
      writeFileSync(join(folder, 'Photos', 'sub', 'b.txt'), 'there')
      const box = await page.locator(`[data-peer="${ANA}"]`).boundingBox()
      const session = await page.context().newCDPSession(page)
      const at = { x: (box?.x ?? 0) + 20, y: (box?.y ?? 0) + 20, data: { items: [], files: [join(folder, 'Photos')], dragOperationsMask: 1 } }
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await session.send('Input.dispatchDragEvent', { type, ...at })
      await waitUntil(async () => (await calls(page, 'files.offer')).length === 1, { what: 'the dropped folder is offered' })
      // Two headers, two files in a block each, and the end.
      assert.deepEqual(await calls(page, 'files.offer'), [['files.offer', ANA, 'Photos', 6 * 512]])
      rmSync(folder, { recursive: true })
    }))

  it('shows percent, speed and time left in the row, cancels, and says who declined', () =>
    open('/?state=full&joined', async (page) => {
      const row = page.locator(`[data-peer="${ANA}"]`)
      assert.match(spaced(await row.textContent()), /holiday\.mp4 · 63 % · 31 MB\/s · 8 s left/)
      await row.getByLabel('Cancel holiday.mp4').click()
      await waitUntil(async () => (await calls(page, 'files.cancel')).length === 1, { what: 'the transfer is cancelled' })
      await page.evaluate(() => Reflect.get(globalThis, 'fake').changeTransfer('a', { status: 'declined' }))
      await waitUntil(async () => (await page.locator('.hidden[role=status]').textContent()) === 'Ana’s laptop declined holiday.mp4.', {
        what: 'it is said',
      })
    }))

  it('saves the received bytes under a safe name and shows the verified hash', () =>
    open('/?state=full&joined#/transfers', async (page) => {
      await page.evaluate(() => Reflect.get(globalThis, 'fake').changeTransfer('c', { name: '../../etc/plan.pdf' }))
      const row = page.locator('[data-transfer=c]')
      assert.match((await row.textContent()) ?? '', /both sides hold the same bytes/)
      await row.locator('.copy-value').click()
      assert.match((await row.textContent()) ?? '', /9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/)
      const [download] = await Promise.all([page.waitForEvent('download'), row.getByText('Save').click()])
      assert.equal(download.suggestedFilename(), '_.._etc_plan.pdf')
      assert.equal(await readFile(await download.path(), 'utf8'), 'received bytes')
    }))

  it('shows what failed, why and what to do', () =>
    open(`/?state=full&joined#/chat/${LEA}`, async (page) => {
      await page.evaluate(() => Reflect.get(globalThis, 'fake').fail('send', 'LIMIT_REACHED'))
      await page.fill('textarea', 'hello')
      await page.press('textarea', 'Enter')
      const notice = await page.waitForSelector('.banner.harm')
      assert.equal(
        (await notice.textContent())?.trim(),
        'The message was not sent. Send failed on purpose. A limit is used up. Wait until it refills, or ask the owner for more.',
      )
      assert.equal(await page.inputValue('textarea'), 'hello', 'nothing is lost')
    }))

  it('switches a permission off and on again', () =>
    open('/?state=full&joined#/settings', async (page) => {
      const row = page.locator('#row-lobby-message')
      await row.click()
      await waitUntil(async () => (await calls(page, 'policy.put')).length === 1, { what: 'the row is stored' })
      assert.equal((await storedRow(page, 0)).until, 1)
      await waitUntil(async () => !(await row.isChecked()), { what: 'the switch is off' })
      await row.click()
      await waitUntil(async () => (await calls(page, 'policy.put')).length === 2, { what: 'the row is stored again' })
      assert.equal('until' in (await storedRow(page, 1)), false)
    }))

  it('is usable before the mesh is there, and tells nothing it does not know', () =>
    open('/?state=wait', async (page) => {
      await page.evaluate(() => localStorage.clear())
      await page.reload()
      await page.click('text=Join')
      await page.waitForSelector('text=Looking for people and devices')
      const early = await page.evaluate(() => {
        const { peer, vip, peers, state } = Reflect.get(globalThis as object, 'dmesh') as PageHandle
        return { peer, vip, peers: Array.from(peers), status: state.status }
      })
      assert.deepEqual(early, { peer: '', vip: '', peers: [], status: 'starting' })
      const pong = page.evaluate(() => Reflect.get(globalThis as object, 'dmesh').ping('x'))
      await page.evaluate(() => {
        Reflect.get(globalThis, 'letStart')()
      })
      assert.equal(await pong, 4.2, 'a call from before waits')
      await page.evaluate(() => Reflect.get(globalThis as object, 'dmesh').ready)
      await page.waitForSelector('text=Nobody else is here yet')
    }))

  it('says what failed at the start and starts on Retry', () =>
    open('/?state=fail&joined', async (page) => {
      assert.match((await page.textContent('main')) ?? '', /The mesh did not start.*did not answer in 10000 ms\..*Reload the page\./s)
      assert.equal(
        await page.evaluate(() => Reflect.get(globalThis as object, 'dmesh').ready.catch((error: { code: string }) => error.code)),
        'WORKER_GONE',
      )
      await page.click('text=Retry')
      await page.waitForSelector('text=Nobody else is here yet')
      await page.evaluate(() => Reflect.get(globalThis as object, 'dmesh').ready)
    }))

  it('shows the map and the device side by side on a wide screen', () =>
    open(
      '/?state=full&joined',
      async (page) => {
        assert.deepEqual(await page.locator('.map-line').evaluateAll((lines) => lines.map((one) => one.getAttribute('class'))), [
          'map-line relay',
          'map-line direct',
          'map-line direct',
          'map-line relayed',
        ])
        assert.match(spaced(await page.textContent('.map table')), /Workshop Pirelayedhome\.example62 ms/)
        await page.click('.why')
        await page.waitForSelector('text=Why is Workshop Pi relayed?')
        assert.match((await page.textContent('.why-panel')) ?? '', /no answer in time.*Relayed by home\.example.*UDP is blocked on the other side/s)
      },
      { width: 1280, height: 800 },
    ))
})

function file(name: string, text: string): { name: string; mimeType: string; buffer: Buffer } {
  return { name, mimeType: 'text/plain', buffer: Buffer.from(text) }
}

async function storedRow(page: Page, number: number): Promise<{ until?: number }> {
  const call = (await calls(page, 'policy.put'))[number]
  assert.ok(call)
  return call[1] as { until?: number }
}

function spaced(text: string | null): string {
  return (text ?? '').replaceAll('\u00a0', ' ')
}

async function calls(page: Page, name: string): Promise<readonly (readonly unknown[])[]> {
  const all: readonly (readonly unknown[])[] = await page.evaluate(() => Reflect.get(globalThis, 'fake').calls)
  return all.filter((call) => call[0] === name)
}
