/** B8 and B9: from navigation to the first byte back from another browser, with an empty cache and a warm one, and the bytes that took; ours beside js-libp2p beside an empty page with one raw connection. */
import { spawn } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import type { BrowserContext, Page } from 'playwright'
import { startChromium } from '../tests/support/browser.ts'
import { startPageServer } from '../tests/support/page-server.ts'
import { openPerson } from '../tests/support/people.ts'
import { startTestRelay } from '../tests/support/test-relay.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { compare, type Sample } from './compare.ts'
import { joinRaw, requestsRaw } from './pages/raw.ts'

const sockets = new Set<Socket>()
subscribe('http.server.request.start', (message) => sockets.add((message as { socket: Socket }).socket))
const written = () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0)

const relay = await startTestRelay()
const stockRelay = spawn(process.execPath, [join(import.meta.dirname, 'sides/stock-relay.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
const [stockAddress] = (await once(createInterface({ input: stockRelay.stdout }), 'line')) as [string]
const pages = await startPageServer({ entries: { page: 'bench/pages/stock.page.ts' } })
const chromium = await startChromium()
const ben = await openPerson(await chromium.browser.newContext(), relay.url, 'Ben')
const stockB = await (await chromium.browser.newContext()).newPage()
await stockB.goto(pages.origin)
const stockPeer = await stockB.evaluate(async (address) => {
  const scope = globalThis as unknown as { stock: { peer: string }; startStock(address: string): Promise<{ peer: string }> }
  scope.stock = await scope.startStock(address)
  return scope.stock.peer
}, stockAddress)
const rawB = await (await chromium.browser.newContext()).newPage()
const wireBytes: number[] = []

/** Time from navigation until Ben's echo answered, ms. The first run of a context has an empty cache and no key. */
async function ours(context: BrowserContext): Promise<Sample> {
  const page = await context.newPage()
  const bytes = written()
  await page.goto(relay.url, { waitUntil: 'commit' })
  const join = page.getByRole('button', { name: 'Join', exact: true })
  const value = await waitUntil(
    async () => {
      if (await join.isVisible().catch(() => false)) await join.click()
      return page
        .evaluate(async (peer) => {
          const { dmesh: mesh } = globalThis as unknown as {
            dmesh?: {
              ready: Promise<void>
              open(peer: string, protocol: string): Promise<{ readable: ReadableStream; writable: WritableStream; abort(): void }>
            }
          }
          if (!mesh) return 0
          await mesh.ready
          const stream = await mesh.open(peer, '/dmesh/echo/1.0.0')
          await stream.writable.getWriter().write(new Uint8Array(1))
          await stream.readable.getReader().read()
          stream.abort()
          return performance.now()
        }, ben.peer)
        .catch(() => 0)
    },
    { ms: 30_000, what: 'the first byte from Ben' },
  )
  wireBytes.push(written() - bytes)
  await page.close()
  return { value }
}

async function stock(context: BrowserContext): Promise<Sample> {
  const page = await context.newPage()
  await page.goto(pages.origin)
  const value = await page.evaluate(
    async ([address, peer]) => {
      const scope = globalThis as unknown as {
        startStock(address: string): Promise<{ dial(peer: string): Promise<string>; requests(peer: string, count: number): Promise<number[]> }>
      }
      const mine = await scope.startStock(address as string)
      await mine.dial(peer as string)
      await mine.requests(peer as string, 1)
      return performance.now()
    },
    [stockAddress, stockPeer],
  )
  await page.close()
  return { value }
}

async function raw(context: BrowserContext): Promise<Sample> {
  const page: Page = await context.newPage()
  await rawB.goto(`${pages.origin}/nothing`)
  await page.goto(`${pages.origin}/nothing`)
  await joinRaw(page, rawB)
  await requestsRaw(page, 1)
  const value = await page.evaluate(() => performance.now())
  await page.close()
  return { value }
}

const fresh = (side: (context: BrowserContext) => Promise<Sample>) => async () => {
  const context = await chromium.browser.newContext()
  try {
    return await side(context)
  } finally {
    await context.close()
  }
}
const cold = { name: 'B8 navigation to the first byte from a peer, empty cache', unit: 'ms', better: 'lower' } as const
await compare({ ...cold, sides: { ours: fresh(ours), 'js-libp2p webrtc': fresh(stock), limit: fresh(raw) } }, 'b8-first-peer-cold')
const coldBytes = Math.max(...wireBytes)
const [a, b, c] = [await chromium.browser.newContext(), await chromium.browser.newContext(), await chromium.browser.newContext()]
const warm = { name: 'B8 the same, warm cache and known key', unit: 'ms', better: 'lower' } as const
await compare({ ...warm, sides: { ours: () => ours(a), 'js-libp2p webrtc': () => stock(b), limit: () => raw(c) } }, 'b8-first-peer-warm')
const stockBytes = [...pages.files.values()].reduce((sum, file) => sum + gzipSync(file).length, 0)
const kb = (bytes: number) => async (): Promise<Sample> => ({ value: bytes / 1000 })
const weight = {
  name: 'B9 bytes to the first peer: ours counted at the HTTP sockets of the relay, js-libp2p its bundle gzipped',
  unit: 'kB',
  better: 'lower',
  rounds: 1,
} as const
await compare({ ...weight, sides: { ours: kb(coldBytes), 'js-libp2p webrtc': kb(stockBytes) } }, 'b9-weight')
stockRelay.kill()
await chromium.close()
await pages.close()
await relay.end()
process.exit(0)
