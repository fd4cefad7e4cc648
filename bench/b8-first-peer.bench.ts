/** B8 and B9: from navigation to the first byte back from another browser, with an empty cache and a warm one, and the bytes that took; ours beside js-libp2p beside an empty page with one raw connection. */
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { BrowserContext, Page } from 'playwright'
import { type Chromium, startChromium } from '../tests/support/browser.ts'
import { startPageServer } from '../tests/support/page-server.ts'
import { openPerson } from '../tests/support/people.ts'
import { startTestRelay } from '../tests/support/test-relay.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { type BenchRun, runBench, within } from './bench-run.ts'
import type { Sample } from './compare.ts'
import { oursFirst, rawFirst, stockFirst } from './pages/first-byte.ts'
import { traced } from './trace.ts'

/** ms for one page to hear from its peer. */
const FIRST_MS = 20_000

type Visit = (context: BrowserContext) => Promise<Sample>

interface Sides {
  readonly ours: Visit
  readonly stock: Visit
  readonly raw: Visit
}

/** Go to `url` with `script` in front of everything, and read what it found. */
async function visit<A>(page: Page, url: string, script: (arg: A) => void, arg: A): Promise<Sample> {
  await page.addInitScript(script as (arg: unknown) => void, arg as unknown)
  await page.goto(url, { waitUntil: 'commit' })
  const value = await within(
    FIRST_MS,
    `the first byte at ${url}`,
    page.evaluate(() => (globalThis as unknown as { firstByte: Promise<number> }).firstByte),
  )
  return { value }
}

/** A shared worker outlives its page by half a minute; what is measured is the start of a new one. */
async function endWorkers(chromium: Chromium, page: Page, leave: () => Promise<void>): Promise<void> {
  const own = await page.context().newCDPSession(page)
  const { targetInfo: here } = await own.send('Target.getTargetInfo')
  const session = await chromium.browser.newBrowserCDPSession()
  await leave() // a page that is still there would start the next worker at once
  const left = async () => {
    const { targetInfos } = await session.send('Target.getTargets', { filter: [{}] })
    return targetInfos.filter(({ type, browserContextId }) => type === 'shared_worker' && browserContextId === here.browserContextId)
  }
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'self.close()' } })
  for (const { targetId } of await left()) {
    const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false })
    await session.send('Target.sendMessageToTarget', { sessionId, message })
  }
  await waitUntil(async () => (await left()).length === 0, { ms: 5_000, what: 'the mesh worker to end' })
  await session.detach()
}

async function openSides(run: BenchRun, chromium: Chromium, wireBytes: number[]): Promise<Sides & { readonly stockBytes: number }> {
  const relay = await startTestRelay()
  run.defer(() => relay.end())
  const sockets = new Set<Socket>()
  subscribe('http.server.request.start', (message) => sockets.add((message as { socket: Socket }).socket))
  const written = () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0)
  const { line: stockRelay } = await run.start('stock-relay.ts')
  const { line: splicePort } = await run.start('ws-splice.ts')
  const pages = await startPageServer({ entries: { page: 'bench/pages/stock.page.ts' }, release: true })
  run.defer(() => pages.close())
  const ben = await openPerson(await chromium.browser.newContext(), relay.url, 'Ben')
  const stockB = await (await chromium.browser.newContext()).newPage()
  await stockB.goto(pages.origin)
  const stockPeer = await stockB.evaluate(async (address) => {
    const scope = globalThis as unknown as { startStock(address: string): Promise<{ peer: string }> }
    return (await scope.startStock(address)).peer
  }, stockRelay)
  const rawContext = await chromium.browser.newContext()
  const splice = `ws://127.0.0.1:${splicePort}/`

  return {
    async ours(context) {
      const page = await context.newPage()
      const before = written()
      const sample = await visit(page, relay.url, oursFirst, ben.peer)
      wireBytes.push(written() - before)
      await endWorkers(chromium, page, () => page.close())
      return sample
    },
    async stock(context) {
      const page = await context.newPage()
      const sample = await visit(page, pages.origin, stockFirst, [stockRelay, stockPeer] as const)
      await page.close()
      return sample
    },
    async raw(context) {
      const other = await rawContext.newPage()
      await other.addInitScript(rawFirst as (arg: unknown) => void, [splice, false])
      await other.goto(`${pages.origin}/nothing`)
      const page = await context.newPage()
      const sample = await visit(page, `${pages.origin}/nothing`, rawFirst, [splice, true] as const)
      await Promise.all([page.close(), other.close()])
      return sample
    },
    stockBytes: [...pages.files.values()].reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
  }
}

await runBench(async (run) => {
  const chromium = await startChromium()
  run.defer(() => chromium.close())
  const wireBytes: number[] = []
  const { ours, stock, raw, stockBytes } = await openSides(run, chromium, wireBytes)
  const fresh = (side: Visit) => async () => {
    const context = await chromium.browser.newContext()
    try {
      return await side(context)
    } finally {
      await context.close()
    }
  }
  const warmed = await chromium.browser.newContext()
  if (await traced(chromium.browser, 'b8-cold', fresh(ours))) {
    await ours(warmed)
    await traced(chromium.browser, 'b8-warm', () => ours(warmed))
    return
  }
  const fair =
    'Each page asks another browser context for one byte as soon as its script can; ours over the first path that stands (the relay), js-libp2p over /webrtc as documented, minified and cacheable like ours; the limit is an empty page with one RTCPeerConnection signalled over a bare WebSocket.'
  const cold = { name: 'B8 navigation to the first byte from a peer, empty cache, no key', fair, unit: 'ms', better: 'lower' } as const
  await run.compare({ ...cold, sides: { ours: fresh(ours), 'js-libp2p webrtc': fresh(stock), limit: fresh(raw) } }, 'b8-first-peer-cold')
  const coldBytes = Math.max(...wireBytes)
  const [a, b, c] = [await chromium.browser.newContext(), await chromium.browser.newContext(), await chromium.browser.newContext()]
  const warm = { name: 'B8 the same, warm cache and known key, the worker started anew', fair, unit: 'ms', better: 'lower' } as const
  await run.compare({ ...warm, sides: { ours: () => ours(a), 'js-libp2p webrtc': () => stock(b), limit: () => raw(c) } }, 'b8-first-peer-warm')
  const kb = (bytes: number) => async (): Promise<Sample> => ({ value: bytes / 1000 })
  const weight = {
    name: 'B9 bytes to the first peer, empty cache',
    fair: 'Ours: everything the relay wrote to its HTTP sockets until the first byte came, headers, icons and what the service worker keeps included. js-libp2p: its minified bundle gzipped, nothing else. Budget: 40 kB shell + 150 kB worker until relayed + 20 kB service worker.',
    unit: 'kB',
    better: 'lower',
    rounds: 1,
  } as const
  await run.compare({ ...weight, sides: { ours: kb(coldBytes), 'js-libp2p webrtc': kb(stockBytes) } }, 'b9-weight')
})
