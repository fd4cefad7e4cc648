/** The front's promises kept by a real browser: one origin for the app, no code but the build's own, cookies that cannot lock anyone out. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright'
import { type Chromium, startChromium } from '../support/browser.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const dir = mkdtempSync(join(tmpdir(), 'dmesh-dist-'))
let relay: Awaited<ReturnType<typeof startTestRelay>>
let chromium: Chromium
let page: Page

async function newPage(): Promise<Page> {
  const [context] = chromium.browser.contexts()
  assert.ok(context)
  return context.newPage()
}

before(async () => {
  mkdirSync(join(dir, 'assets'))
  writeFileSync(
    join(dir, 'index.html'),
    '<!doctype html><title>t</title><link rel="stylesheet" href="/assets/main-aaaaaaaa.css"><script type="module" src="/assets/main-aaaaaaaa.js"></script><script>globalThis.inline = 1</script><body>page</body>',
  )
  writeFileSync(
    join(dir, 'assets', 'main-aaaaaaaa.js'),
    "import { text } from './part-bbbbbbbb.js'\nglobalThis.ran = text\ntry { globalThis.evaluated = eval('1') } catch { globalThis.evaluated = 'blocked' }\n",
  )
  writeFileSync(join(dir, 'assets', 'part-bbbbbbbb.js'), "export const text = 'both'\n")
  writeFileSync(join(dir, 'assets', 'main-aaaaaaaa.css'), 'body { color: rgb(1, 2, 3) }')
  writeFileSync(join(dir, 'own.worker.js'), "postMessage('worker')\n")
  relay = await startTestRelay({ dist: dir, args: ['--udp', 'off'] })
  chromium = await startChromium()
  page = await newPage()
})
after(async () => {
  await chromium?.close()
  await relay?.end()
  rmSync(dir, { recursive: true, force: true })
})

test('localhost leads to dmesh.localhost, where the scripts of the build run and nothing inline does', async () => {
  await page.goto(`http://localhost:${relay.port}/#/chat`)
  assert.equal(page.url(), `${relay.url}/#/chat`)
  assert.equal(await waitUntil(() => page.evaluate(() => (globalThis as { ran?: string }).ran), { what: 'the script' }), 'both')
  assert.equal(await page.evaluate(() => (globalThis as { inline?: number }).inline), undefined)
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(1, 2, 3)')
  assert.equal(await page.evaluate(() => isSecureContext && originAgentCluster), true)
})

test('the policy blocks eval, foreign scripts, frames and workers that the build does not name', async () => {
  const refused = await page.evaluate(() => {
    const outcomes: string[] = []
    for (const use of [
      () => Object.assign(document.createElement('script'), { src: '/assets/part-bbbbbbbb.js' }),
      () => Object.assign(document.createElement('div'), { innerHTML: '<img src=x onerror=1>' }),
      () => new Worker('/own.worker.js'),
    ]) {
      try {
        use()
        outcomes.push('taken')
      } catch (error) {
        outcomes.push((error as Error).name)
      }
    }
    return outcomes
  })
  assert.deepEqual(refused, ['TypeError', 'TypeError', 'TypeError'], 'strings are no code without the policy of a page')
  const outcome = await page.evaluate(async () => {
    const { trustedTypes } = globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }
    trustedTypes.createPolicy('default', { createScriptURL: (text: string) => text })
    const load = (make: (done: (how: string) => void) => void) => new Promise<string>(make)
    const script = (src: string) =>
      load((done) => {
        const element = Object.assign(document.createElement('script'), { src, onload: () => done('ran'), onerror: () => done('blocked') })
        document.head.append(element)
      })
    const worker = (url: string) =>
      load((done) => {
        try {
          const made = new Worker(url)
          made.onmessage = () => done('ran')
          made.onerror = () => done('blocked')
        } catch {
          done('blocked')
        }
      })
    return {
      // Asked by the page's own script: the debugger may evaluate whatever the policy says.
      evaluated: (globalThis as { evaluated?: string }).evaluated,
      own: await script('/assets/part-bbbbbbbb.js?x'),
      peer: await script('/p2p/peer/x.js'),
      data: await script('data:text/javascript,1'),
      foreign: await script('http://127.0.0.1:1/x.js'),
      blob: await worker(URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }))),
      worker: await worker('/own.worker.js'),
      wasm: await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(
        () => 'ran',
        () => 'blocked',
      ),
    }
  })
  // A module loaded as a classic script fails to parse, but its `load` event says that it was let in.
  assert.deepEqual(outcome, {
    evaluated: 'blocked',
    own: 'ran',
    peer: 'blocked',
    data: 'blocked',
    foreign: 'blocked',
    blob: 'blocked',
    worker: 'ran',
    wasm: 'ran',
  })
})

test('no other page can frame the app', async () => {
  const other = await newPage()
  await other.goto('about:blank')
  await other.evaluate((url) => {
    const frame = document.createElement('iframe')
    frame.src = url
    document.body.append(frame)
  }, relay.url)
  const frame = await waitUntil(() => other.frames().find((one) => one.url().startsWith('chrome-error')), { what: 'the frame to be refused' })
  assert.ok(frame)
  await other.close()
})

test('cookies that grew too large are cleared by the 431, and the page opens again', async () => {
  await page.goto(`${relay.url}/`)
  await page.evaluate(async () => {
    for (let i = 0; i < 6; i++) await cookieStore.set(`c${i}`, 'x'.repeat(3900))
  })
  assert.equal((await page.goto(`${relay.url}/index.html`))?.status(), 431)
  assert.equal((await page.goto(`${relay.url}/`))?.status(), 200)
  assert.deepEqual(await page.evaluate(() => cookieStore.getAll()), [])
})

test('a page of another origin may read dmesh.json and no file', async () => {
  const other = await newPage()
  const second = await startTestRelay({ dist: dir, args: ['--udp', 'off'] })
  try {
    await other.goto(`${second.url}/`)
    const read = await other.evaluate(async (url) => {
      const get = (path: string) =>
        fetch(`${url}${path}`).then(
          (answer) => answer.status,
          () => 'blocked',
        )
      return [await get('/.well-known/dmesh.json'), await get('/index.html')]
    }, relay.url)
    assert.deepEqual(read, [200, 'blocked'])
  } finally {
    await other.close()
    await second.end()
  }
})
