/** B1 and B6: goodput of one stream page to page, and the round trip of a request, in one browser: ours through the public API beside js-libp2p beside one raw ordered data channel. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from 'playwright'
import { startChromium } from '../tests/support/browser.ts'
import { startPageServer } from '../tests/support/page-server.ts'
import { openPerson, seesPeer } from '../tests/support/people.ts'
import { startTestRelay } from '../tests/support/test-relay.ts'
import { compare, type Sample } from './compare.ts'
import { joinRaw, pumpRaw, requestsRaw } from './pages/raw.ts'
import { traced } from './trace.ts'

const WARM_MS = 3_000 // Chromium's data channels ramp up for about three seconds
const STEADY_MS = Number(process.env.BENCH_STEADY_MS ?? 6_000)
const REQUESTS = 50
const TRACE_MS = 6_000

const relay = await startTestRelay()
const stockRelay = spawn(process.execPath, [join(import.meta.dirname, 'sides/stock-relay.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
const [stockAddress] = (await once(createInterface({ input: stockRelay.stdout }), 'line')) as [string]
const pages = await startPageServer({ entries: { page: 'bench/pages/stock.page.ts' } })
const chromium = await startChromium()
const blank = async (url: string): Promise<Page> => {
  const context = await chromium.browser.newContext()
  const page = await context.newPage()
  await page.goto(url)
  return page
}

// Each side has two pages in two storage partitions of the same browser, made once.
const [ana, ben] = [
  await openPerson(await chromium.browser.newContext(), relay.url, 'Ana'),
  await openPerson(await chromium.browser.newContext(), relay.url, 'Ben'),
]
await seesPeer(ana, ben, 20_000, ({ path }) => path === 'direct')
await ben.page.evaluate(async () => {
  const scope = globalThis as unknown as {
    received: number
    dmesh: { handle(protocol: string, serve: (stream: { readable: AsyncIterable<Uint8Array>; writable: WritableStream }) => unknown): Promise<void> }
  }
  scope.received = 0
  await scope.dmesh.handle('/x/sink/1.0.0', async ({ readable }) => {
    for await (const chunk of readable) scope.received += chunk.byteLength
  })
  await scope.dmesh.handle('/x/echo/1.0.0', ({ readable, writable }) => (readable as unknown as ReadableStream).pipeTo(writable))
})
const [stockA, stockB] = [await blank(pages.origin), await blank(pages.origin)]
const peers: string[] = []
for (const page of [stockA, stockB]) {
  peers.push(
    await page.evaluate(async (address) => {
      const scope = globalThis as unknown as { stock: { peer: string }; startStock(address: string): Promise<{ peer: string }> }
      scope.stock = await scope.startStock(address)
      return scope.stock.peer
    }, stockAddress),
  )
}
await stockA.evaluate((peer) => (globalThis as unknown as { stock: { dial(peer: string): Promise<string> } }).stock.dial(peer), peers[1] as string)
const [rawA, rawB] = [await blank(pages.origin), await blank(pages.origin)]
await joinRaw(rawA, rawB)

/** Bytes that arrive per second after the warm-up, in MB. */
async function steady(pump: Promise<unknown>, received: () => Promise<number>): Promise<Sample> {
  await new Promise((resolve) => setTimeout(resolve, WARM_MS))
  const [before, begin] = [await received(), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, STEADY_MS))
  const [after, end] = [await received(), performance.now()]
  await pump
  return { value: (after - before) / 1e3 / (end - begin) }
}

const total = WARM_MS + STEADY_MS + 500
const pumpOurs = (ms: number) =>
  ana.page.evaluate(
    async ([peer, time]) => {
      const { dmesh: mesh } = globalThis as unknown as {
        dmesh: { open(peer: string, protocol: string): Promise<{ writable: WritableStream<Uint8Array>; abort(): void }> }
      }
      const stream = await mesh.open(peer as string, '/x/sink/1.0.0')
      const writer = stream.writable.getWriter()
      const chunk = new Uint8Array(64 * 1024)
      const end = performance.now() + (time as number)
      while (performance.now() < end) await writer.write(chunk)
      stream.abort()
    },
    [ben.peer, ms] as const,
  )
const count = (page: Page, read: string) => page.evaluate<number>(read)
if (await traced(chromium.browser, 'b1-ours', () => pumpOurs(TRACE_MS)))
  await traced(chromium.browser, 'b1-limit', () => pumpRaw(rawA, TRACE_MS, 64 * 1024))
else
  await compare(
    {
      name: 'B1 page to page, one stream, 64 KiB writes',
      fair: 'Two pages of one browser in two storage partitions, one stream, 64 KiB writes with back-pressure on every side; counted where they arrive, after the warm-up.',
      unit: 'MB/s',
      better: 'higher',
      sides: {
        ours: () => steady(pumpOurs(total), () => count(ben.page, 'received')),
        'js-libp2p webrtc': () =>
          steady(
            stockA.evaluate(
              ([peer, ms]) =>
                (globalThis as unknown as { stock: { pump(peer: string, ms: number): Promise<void> } }).stock.pump(peer as string, ms as number),
              [peers[1], total] as const,
            ),
            () => count(stockB, 'stock.received()'),
          ),
        limit: () => steady(pumpRaw(rawA, total, 64 * 1024), () => count(rawB, 'received')),
      },
    },
    'b1-stream',
  )

const p50 = (times: readonly number[]): Sample => ({ value: [...times].sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN })
/** Our requests: a new stream each, or all on one. */
const requestsOurs = (fresh: boolean) =>
  ana.page.evaluate(
    async ([peer, rounds, each]) => {
      const { dmesh: mesh } = globalThis as unknown as {
        dmesh: {
          open(peer: string, protocol: string): Promise<{ readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array>; abort(): void }>
        }
      }
      const open = async () => {
        const { readable, writable, abort } = await mesh.open(peer, '/x/echo/1.0.0')
        return { writer: writable.getWriter(), reader: readable.getReader(), abort }
      }
      const kept = await open()
      const times: number[] = []
      for (let i = 0; i < rounds; i++) {
        const begin = performance.now()
        const stream = each ? await open() : kept
        await stream.writer.write(new Uint8Array(32))
        await stream.reader.read()
        times.push(performance.now() - begin)
        if (each) stream.abort()
      }
      kept.abort()
      return times
    },
    [ben.peer, REQUESTS, fresh] as const,
  )
const requestsStock = (fresh: boolean) =>
  stockA.evaluate(
    ([peer, rounds, each]) =>
      (globalThis as unknown as { stock: { requests(peer: string, count: number, fresh: boolean): Promise<number[]> } }).stock.requests(
        peer as string,
        rounds as number,
        each as boolean,
      ),
    [peers[1], REQUESTS, fresh] as const,
  )
await compare(
  {
    name: `B6 request and answer of 32 bytes, median of ${REQUESTS}: a new stream each, all on one open stream, an open channel (limit)`,
    fair: 'The same shape on both sides: a stream of its own for each request, or all requests on one stream; the limit answers on one channel that is open already.',
    unit: 'ms',
    better: 'lower',
    sides: {
      'ours, new stream each': async () => p50(await requestsOurs(true)),
      'js-libp2p, new stream each': async () => p50(await requestsStock(true)),
      'ours, open stream': async () => p50(await requestsOurs(false)),
      'js-libp2p, open stream': async () => p50(await requestsStock(false)),
      limit: async () => p50(await requestsRaw(rawA, REQUESTS)),
    },
  },
  'b6-request',
)
stockRelay.kill()
await chromium.close()
await pages.close()
await relay.end()
process.exit(0)
