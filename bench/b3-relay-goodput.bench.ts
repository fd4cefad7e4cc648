/** B3: encrypted goodput of one stream between a page and the relay, both ways; ours through the public API beside js-libp2p over WebSocket and webrtc-direct beside one bare WebSocket. */
import type { Page } from 'playwright'
import { startChromium } from '../tests/support/browser.ts'
import { startPageServer } from '../tests/support/page-server.ts'
import { openPerson } from '../tests/support/people.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { type BenchRun, runBench, type Side } from './bench-run.ts'
import type { Sample } from './compare.ts'
import { oursDown, oursUp, rawDown, rawUp } from './pages/relay-bytes.ts'

/** ms: Chromium's data channels are slow at first, sockets are not; two seconds keep the run below six minutes. */
const WARM_MS = 2_000
const STEADY_MS = Number(process.env.BENCH_STEADY_MS ?? 3_500)
const TOTAL_MS = WARM_MS + STEADY_MS + 300

type Count = () => Promise<number>

/** MB/s that arrived after the warm-up, by the receiver's count. */
async function steady(pump: Promise<unknown>, received: Count): Promise<Sample> {
  const failed = pump.then(() => new Promise<never>(() => undefined)) // only its failure is of interest before the end
  const pause = (ms: number) => Promise.race([failed, new Promise<void>((resolve) => setTimeout(resolve, ms))])
  await pause(WARM_MS)
  const [before, begin] = [await received(), performance.now()]
  await pause(STEADY_MS)
  const [after, end] = [await received(), performance.now()]
  await pump
  return { value: (after - before) / 1e3 / (end - begin) }
}

interface Places {
  readonly ours: Page
  readonly relayPeer: string
  readonly relay: Side
  readonly stock: Page
  readonly stockEnds: Side
  readonly raw: Page
  readonly rawEnds: Side
}

async function openPlaces(run: BenchRun): Promise<Places> {
  const relay = await run.start('our-relay.ts')
  const stockEnds = await run.start('stock-ends.ts')
  const rawEnds = await run.start('ws-ends.ts')
  const pages = await startPageServer({ entries: { page: 'bench/pages/stock-relay.page.ts' }, release: true })
  run.defer(() => pages.close())
  const chromium = await startChromium()
  run.defer(() => chromium.close())
  const url = relay.line.replace('127.0.0.1', 'dmesh.localhost')
  const ana = await openPerson(await chromium.browser.newContext(), url, 'Ana')
  const place = await waitUntil(async () => (await ana.state()).relays.find(({ id }) => id !== undefined), { ms: 20_000, what: 'the relay' })
  const blank = async (): Promise<Page> => {
    const page = await (await chromium.browser.newContext()).newPage()
    await page.goto(pages.origin)
    return page
  }
  const stock = await blank()
  await stock.evaluate(async () => {
    const scope = globalThis as unknown as { ends: unknown; startEnds(): Promise<unknown> }
    scope.ends = await scope.startEnds()
  })
  return { ours: ana.page, relayPeer: place.id, relay, stock, stockEnds, raw: await blank(), rawEnds }
}

/** js-libp2p in its page, one way, to one of its addresses. */
function stockPump(page: Page, way: 'up' | 'down', address: string): Promise<void> {
  return page.evaluate(
    ([call, to, ms]) => {
      const { ends } = globalThis as unknown as { ends: Record<'up' | 'down', (address: string, ms: number) => Promise<void>> }
      return ends[call](to, ms)
    },
    [way, address, TOTAL_MS] as const,
  )
}

await runBench(async (run) => {
  const { ours, relayPeer, relay, stock, stockEnds, raw, rawEnds } = await openPlaces(run)
  const [overWs, overRtc] = stockEnds.line.split(' ') as [string, string]
  const inPage = (page: Page): Count => {
    return () => page.evaluate<number>('globalThis.received')
  }
  const at = (side: Side): Count => {
    return () => side.ask('received')
  }
  const fair =
    'One stream, 64 KiB writes with back-pressure, counted where they arrive: ours from the page through its worker, encrypted, to the relay process; js-libp2p from the page itself, encrypted, to a Node.js peer; the limit a bare WebSocket to `ws`, no encryption.'
  const row = { fair, unit: 'MB/s', better: 'higher', deadline: 30_000 } as const
  const up = {
    ours: () => steady(ours.evaluate(oursUp, [relayPeer, TOTAL_MS] as const), at(relay)),
    'js-libp2p ws': () => steady(stockPump(stock, 'up', overWs), at(stockEnds)),
    'js-libp2p webrtc-direct': () => steady(stockPump(stock, 'up', overRtc), at(stockEnds)),
    limit: () => steady(raw.evaluate(rawUp, [`${rawEnds.line}/up`, TOTAL_MS] as const), at(rawEnds)),
  }
  const down = {
    ours: () => steady(ours.evaluate(oursDown, [relayPeer, TOTAL_MS] as const), inPage(ours)),
    'js-libp2p ws': () => steady(stockPump(stock, 'down', overWs), inPage(stock)),
    'js-libp2p webrtc-direct': () => steady(stockPump(stock, 'down', overRtc), inPage(stock)),
    limit: () => steady(raw.evaluate(rawDown, [`${rawEnds.line}/down`, TOTAL_MS] as const), inPage(raw)),
  }
  await run.compare({ ...row, name: 'B3 page to relay', sides: up, rounds: 4 }, 'b3-page-to-relay')
  await run.compare({ ...row, name: 'B3 relay to page', sides: down, rounds: 4 }, 'b3-relay-to-page')
})
