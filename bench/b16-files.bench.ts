/** B16: a file from disk to disk between two browsers, beside one stream of the same bytes through the public API and one raw ordered data channel, each between the same two browsers. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { browserMemory } from '../tests/support/memory.ts'
import { startPageServer } from '../tests/support/page-server.ts'
import { chooseFile, seesPeer, startPerson } from '../tests/support/people.ts'
import { startTestRelay } from '../tests/support/test-relay.ts'
import { compare, type Sample } from './compare.ts'
import { joinRaw } from './pages/raw.ts'

const SIZE = Number(process.env.BENCH_FILE_BYTES ?? 50 * 1024 * 1024)
const LOOK_MS = 250 // between two looks at the memory of both browsers

/** What is used of `dmesh` in the pages. */
interface Door {
  open(peer: string, protocol: string): Promise<{ writable: WritableStream<Uint8Array> }>
  handle(protocol: string, serve: (stream: { readable: AsyncIterable<Uint8Array> }) => unknown): Promise<void>
  files: { offer(peer: string, file: unknown): Promise<string>; accept(id: string): Promise<void> }
  addEventListener(type: string, listen: (event: { detail: { id: string; direction: string; status: string } }) => void): void
}

const folder = await mkdtemp(join(tmpdir(), 'dmesh-bench-'))
const path = join(folder, 'file.bin')
await writeFile(path, randomBytes(SIZE))
const relay = await startTestRelay()
const blank = await startPageServer({ entries: { page: 'bench/pages/stock.page.ts' } })
const ana = await startPerson({ url: relay.url, name: 'Ana' })
const ben = await startPerson({ url: relay.url, name: 'Ben' })
await seesPeer(ana, ben, 20_000, ({ path: now }) => now === 'direct')
// In windows of their own: a hidden page would be slowed down.
const [rawA, rawB] = [await newWindow(ana.chromium.browser), await newWindow(ben.chromium.browser)]
await joinRaw(rawA, rawB)
await chooseFile(ana.page, path)
await ben.page.evaluate(async () => {
  const scope = globalThis as unknown as { dmesh: Door; took: Promise<void>; reset(): void; ended(): void }
  scope.reset = () => {
    scope.took = new Promise((resolve) => (scope.ended = resolve))
  }
  await scope.dmesh.handle('/x/sink/1.0.0', async ({ readable }) => {
    for await (const _ of readable);
    scope.ended()
  })
  scope.dmesh.addEventListener('fileoffer', ({ detail }) => void scope.dmesh.files.accept(detail.id))
  scope.dmesh.addEventListener('transferchange', ({ detail }) => {
    if (detail.direction === 'in' && detail.status === 'done') scope.ended()
  })
})

/** MB/s of SIZE bytes from `start` until Ben has them all, and how much both browsers grew at most meanwhile. */
async function timed(name: string, start: () => Promise<unknown>, took: () => Promise<unknown>): Promise<Sample> {
  const pids = [ana.chromium.pid, ben.chromium.pid]
  const before = pids.map(browserMemory)
  const growth = pids.map(() => 0)
  const look = () => {
    for (const [i, pid] of pids.entries()) growth[i] = Math.max(growth[i] as number, browserMemory(pid) - (before[i] as number))
  }
  const timer = setInterval(look, LOOK_MS)
  const begin = performance.now()
  await Promise.all([start(), took()])
  const seconds = (performance.now() - begin) / 1000
  clearInterval(timer)
  look()
  process.stdout.write(`# ${name}: ${(SIZE / 1e6 / seconds).toFixed(1)} MB/s, grew by ${growth.map((mib) => mib.toFixed(0)).join(' and ')} MiB\n`)
  return { value: SIZE / 1e6 / seconds }
}

const took = async () => {
  await ben.page.evaluate(() => (globalThis as unknown as { took: Promise<void> }).took)
}
const reset = () => ben.page.evaluate(() => (globalThis as unknown as { reset(): void }).reset())
await compare(
  {
    name: `B16 ${SIZE / 1048576} MiB browser to browser`,
    unit: 'MB/s',
    better: 'higher',
    fair: 'The same two pages and peers for the file and for mesh.open, which neither reads nor writes a disk nor hashes; the limit is one raw channel between two other pages, counted from its start.',
    sides: {
      'file, disk to disk': async () => {
        await reset()
        const offer = () =>
          ana.page.evaluate(async (peer) => {
            const file = (document.querySelector('#test-file') as unknown as { files: Blob[] }).files[0]
            await (globalThis as unknown as { dmesh: Door }).dmesh.files.offer(peer, file)
          }, ben.peer)
        return timed('file', offer, took)
      },
      'mesh.open': async () => {
        await reset()
        const send = () =>
          ana.page.evaluate(
            async ([peer, size]) => {
              const { writable } = await (globalThis as unknown as { dmesh: Door }).dmesh.open(peer as string, '/x/sink/1.0.0')
              const writer = writable.getWriter()
              const chunk = new Uint8Array(64 * 1024)
              for (let at = 0; at < (size as number); at += chunk.byteLength) await writer.write(chunk)
              await writer.close()
            },
            [ben.peer, SIZE] as const,
          )
        return timed('mesh.open', send, took)
      },
      limit: async () => {
        await rawB.evaluate('received = 0')
        return timed('raw channel', sendRaw, receivedRaw)
      },
    },
  },
  'b16-files',
)

async function newWindow(browser: Browser): Promise<Page> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(blank.origin)
  return page
}

function sendRaw(): Promise<void> {
  return rawA.evaluate(async (size) => {
    const { channel } = globalThis as unknown as { channel: RTCDataChannel }
    channel.bufferedAmountLowThreshold = 512 * 1024
    const chunk = new Uint8Array(64 * 1024)
    for (let at = 0; at < size; at += chunk.byteLength) {
      channel.send(chunk)
      if (channel.bufferedAmount > 1024 * 1024) await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
    }
  }, SIZE)
}

function receivedRaw(): Promise<void> {
  return rawB.evaluate(async (size) => {
    const scope = globalThis as unknown as { received: number }
    while (scope.received < size) await new Promise((resolve) => setTimeout(resolve, 10))
  }, SIZE)
}

await Promise.all([ana.close(), ben.close()])
await blank.close()
await relay.end()
await rm(folder, { recursive: true, force: true })
process.exit(0)
