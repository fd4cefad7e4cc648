/** A file between two real browsers goes on where it was when the receiver's page, or the sender's, is loaded anew in the middle, and when its browser is killed. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TransferInfo } from '../../src/core/mesh.ts'
import { chooseFile, type Person, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 200 * 1024 * 1024
const MIB_4 = 4 * 1024 * 1024

type Started = Awaited<ReturnType<typeof startPerson>>

describe('a file whose page is loaded anew', { timeout: 300_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Started
  let ben: Started
  let folder: string
  let path: string
  let sha256: string

  const start = (name: string) => startPerson({ url: relay.url, name, chromium: { userDataDir: join(folder, name) } })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dmesh-e2e-'))
    path = join(folder, 'holiday.bin')
    const bytes = randomBytes(SIZE)
    sha256 = createHash('sha256').update(bytes).digest('hex')
    await writeFile(path, bytes)
    relay = await startTestRelay()
    ana = await start('Ana')
    ben = await start('Ben')
    await seesPeer(ana, ben, 15_000, ({ path: how }) => how === 'direct')
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await relay?.end()
    await rm(folder, { recursive: true, force: true })
  })

  /** Both ids of a file that Ana sends and Ben takes, and how much Ben has of it in the middle. */
  const middle = async () => {
    await chooseFile(ana.page, path)
    const id = await ana.page.evaluate(
      ([peer]) => {
        const file = (document.querySelector('#test-file') as unknown as { files: Blob[] }).files[0]
        return (dmesh.files as { offer(peer: string, file: unknown): Promise<string> }).offer(peer as string, file)
      },
      [ben.peer],
    )
    const waiting = async () => (await ben.state()).transfers.find(({ direction, status }) => direction === 'in' && status === 'offered')
    const offer = await waitUntil(waiting, { ms: 5_000, what: 'the offer' })
    const there = await ben.page.evaluate(
      ([theirs]) =>
        new Promise<number>((resolve, reject) => {
          const listen = dmesh.addEventListener as (type: string, listen: (event: { detail: TransferInfo }) => void) => void
          listen('transferchange', ({ detail }) => {
            if (detail.id === theirs && detail.done > 20_000_000) resolve(detail.done)
          })
          ;(dmesh.files as { accept(id: string): Promise<void> }).accept(theirs as string).catch(reject)
        }),
      [offer.id],
    )
    return { id, theirs: offer.id, there }
  }

  const reload = async (person: Person) => {
    await person.page.reload()
    await person.page.evaluate(() => dmesh.ready)
  }
  /** Killed, not closed; the other side notices, and the same profile is opened again. */
  const restart = async (person: Started, other: Person, theirs: string): Promise<Started> => {
    process.kill(-person.chromium.pid, 'SIGKILL')
    await person.close()
    await at(other, theirs, 'waiting')
    const again = await start(person.name)
    assert.equal(again.peer, person.peer)
    return again
  }
  const at = async (person: Person, id: string, status: TransferInfo['status']) =>
    waitUntil(async () => (await person.state()).transfers.find((one) => one.id === id && one.status === status), {
      ms: 90_000,
      what: `${person.name}'s transfer to be ${status}`,
    })
  const wentOn = (info: TransferInfo, there: number) => {
    assert.deepEqual([info.sha256, info.done], [sha256, SIZE])
    const { resumedAt = 0 } = info
    assert.ok(resumedAt > 0 && resumedAt < SIZE && there - resumedAt <= MIB_4, `it went on at ${resumedAt}, ${there} bytes were there`)
  }

  it('the receiver: it goes on behind what was stored, and nobody is asked', async (t) => {
    const { id, theirs, there } = await middle()
    await reload(ben)
    const received = await at(ben, theirs, 'done')
    wentOn(received, there)
    wentOn(await at(ana, id, 'done'), there)
    t.diagnostic(`went on at ${received.resumedAt} of ${SIZE}; ${there} bytes were there before the reload`)
  })

  it('the sender: its worker outlives the reload, and nobody is asked', async () => {
    const { id, theirs } = await middle()
    await reload(ana)
    for (const info of [await at(ana, id, 'done'), await at(ben, theirs, 'done')]) assert.equal(info.sha256, sha256)
  })

  it('the receiver, its browser killed and started again: it goes on behind what was stored, and nobody is asked', async (t) => {
    const { id, theirs, there } = await middle()
    ben = await restart(ben, ana, id)
    const received = await at(ben, theirs, 'done')
    wentOn(received, there)
    wentOn(await at(ana, id, 'done'), there)
    t.diagnostic(`went on at ${received.resumedAt} of ${SIZE}; ${there} bytes were there before`)
  })

  it('the sender, its browser killed and started again: its page asks for the file once, refuses another one, and goes on', async (t) => {
    const { id, theirs, there } = await middle()
    ana = await restart(ana, ben, theirs)
    assert.equal((await at(ana, id, 'waiting')).needs, 'source')
    await ana.page.evaluate(() => {
      location.hash = '#/transfers'
    })
    const row = ana.page.locator(`[data-transfer="${id}"]`)
    await row.getByText('choose the file again to go on').waitFor()
    const other = join(folder, 'other.bin')
    await writeFile(other, randomBytes(SIZE))
    await give(other, id)
    await row.getByText('That was another file').waitFor({ timeout: 30_000 })
    await give(path, id)
    const received = await at(ben, theirs, 'done')
    wentOn(received, there)
    wentOn(await at(ana, id, 'done'), there)
    t.diagnostic(`went on at ${received.resumedAt} of ${SIZE}; ${there} bytes were there before the reload`)
  })

  /** What the picker behind "Choose the file" would do. */
  const give = async (file: string, id: string) => {
    const session = await ana.page.context().newCDPSession(ana.page)
    const expression = `document.querySelector('[data-transfer="${id}"] input[type=file]')`
    const { result } = await session.send('Runtime.evaluate', { expression })
    await session.send('DOM.setFileInputFiles', { files: [file], objectId: result.objectId as string })
    await session.detach()
  }
})
