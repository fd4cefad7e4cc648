/** The main job: two people open the URL, see each other, go direct, talk, and send a file. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import type { TransferInfo } from '../../src/core/mesh.ts'
import { browserMemory } from '../support/memory.ts'
import { chooseFile, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

/** ms for the file: 1 MB/s on a machine that does other things as well. */
const FILE_MS = (size: number) => Math.max(180_000, size / 1000)

const SIZE = Number(process.env.E2E_FILE_BYTES ?? 100 * 1024 * 1024)

describe('two people', () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Awaited<ReturnType<typeof startPerson>>
  let ben: Awaited<ReturnType<typeof startPerson>>
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dmesh-e2e-'))
    relay = await startTestRelay()
    ana = await startPerson({ url: relay.url, name: 'Ana' })
    ben = await startPerson({ url: relay.url, name: 'Ben' })
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.end()
    await rm(folder, { recursive: true, force: true })
  })

  it('see each other, then go direct over WebRTC', async () => {
    assert.notEqual(ana.peer, ben.peer)
    const line = await seesPeer(ana, ben, 2_000, ({ name }) => name === 'Ben')
    assert.ok(['relayed', 'direct'].includes(line.path))
    const direct = await seesPeer(ana, ben, 15_000, ({ path, rtt }) => path === 'direct' && rtt !== undefined)
    assert.equal(direct.transport, 'webrtc')
    await seesPeer(ben, ana, 5_000, ({ path }) => path === 'direct')
    await ana.page.getByText('Direct').first().waitFor()
  })

  it('exchange a message through the page', async () => {
    await ana.page.evaluate(([peer]) => (dmesh.send as (...args: unknown[]) => Promise<string>)(peer, 'chat', 'hello Ben'), [ben.peer])
    await waitUntil(async () => (await ben.state()).messages.some(({ text }) => text === 'hello Ben'), { ms: 5_000, what: 'the message' })
    await waitUntil(async () => (await ana.state()).messages.some(({ status }) => status === 'delivered'), { ms: 5_000, what: 'the receipt' })
  })

  it(`send ${SIZE / 1048576} MiB disk to disk, browser to browser, verified on both sides`, async (t) => {
    const bytes = randomBytes(SIZE)
    const path = join(folder, 'holiday.bin')
    await writeFile(path, bytes)
    const before = relay.numbers()
    await chooseFile(ana.page, path)
    await ana.page.evaluate(
      ([peer]) => {
        const file = (document.querySelector('#test-file') as unknown as { files: Blob[] }).files[0]
        return (dmesh.files as { offer(peer: string, file: unknown): Promise<string> }).offer(peer as string, file)
      },
      [ben.peer],
    )
    const offer = await waitUntil(
      async () => (await ben.state()).transfers.find(({ direction, status }) => direction === 'in' && status === 'offered'),
      { ms: 5_000, what: 'the offer' },
    )
    assert.equal(offer.name, 'holiday.bin')
    assert.equal(offer.done, 0)
    const start = performance.now()
    const memory = watchMemory([ana.chromium.pid, ben.chromium.pid])
    const ending = ended(ben.page, offer.id, FILE_MS(SIZE))
    await ben.page.evaluate(([id]) => (dmesh.files as { accept(id: string): Promise<void> }).accept(id as string), [offer.id])
    const done = await ending
    const seconds = (performance.now() - start) / 1000
    const growth = memory.stop()
    assert.deepEqual([done.status, done.problem], ['done', undefined])
    t.diagnostic(
      `${(SIZE / 1e6 / seconds).toFixed(1)} MB/s, memory of renderers and network process grew by ${growth.map((mib) => mib.toFixed(0)).join(' and ')} MiB`,
    )
    // A few blocks a thread and the connection's own buffers, whatever the size.
    for (const mib of growth) assert.ok(mib <= 64, `${mib} MiB more while the file ran`)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    assert.equal(done.sha256, sha256)
    const sender = await waitUntil(
      async () => (await ana.state()).transfers.find(({ direction, status }) => direction === 'out' && status === 'done'),
      { ms: 5_000, what: 'the sender to know' },
    )
    assert.equal(sender.sha256, sha256)
    const after = relay.numbers()
    const relayed = after.relayedForward + after.relayedBack - before.relayedForward - before.relayedBack
    assert.ok(relayed < 256 * 1024, `${relayed} bytes went through the relay`)
  })
})

/** The transfer's line once it has ended. The page says so itself: asking it all the time would slow down what is measured. */
function ended(page: Page, id: string, ms: number): Promise<TransferInfo> {
  return page.evaluate(
    ([wanted, deadline]) =>
      new Promise<TransferInfo>((resolve, reject) => {
        const listen = dmesh.addEventListener as (type: string, listen: (event: { detail: TransferInfo }) => void) => void
        listen('transferchange', ({ detail }) => {
          if (detail.id === wanted && !['offered', 'running', 'verifying'].includes(detail.status)) resolve(detail)
        })
        setTimeout(() => reject(new Error(`no end of the file in ${deadline} ms`)), deadline as number)
      }),
    [id, ms] as const,
  )
}

/** Peak growth of each browser in MiB, looked at every 250 ms. */
function watchMemory(pids: readonly number[]): { stop(): readonly number[] } {
  const before = pids.map(browserMemory)
  const peak = [...before]
  const look = () => {
    for (const [i, pid] of pids.entries()) peak[i] = Math.max(peak[i] as number, browserMemory(pid))
  }
  const timer = setInterval(look, 250)
  return {
    stop() {
      clearInterval(timer)
      look()
      return peak.map((value, i) => value - (before[i] as number))
    },
  }
}
