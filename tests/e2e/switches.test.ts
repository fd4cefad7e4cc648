/** Nothing that a browser may lack is needed: with each part forced off, two people open the built page at a real relay, meet, talk and exchange a file. That the part is really off is asked of the browser. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { root } from '../../tools/say.mjs'
import { sayTo, sendFile } from '../support/netns-meeting.ts'
import { type Person, seesPeer, startPerson } from '../support/people.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 1_000_000
const SEEN_MS = 10_000
const TALK_MS = 10_000
const FILE_MS = 20_000

type Relay = Awaited<ReturnType<typeof startTestRelay>>

/** What is off → what the browser itself says of it, run in the page; must be true. */
const RUNS: Readonly<Record<string, () => Promise<boolean>>> = {
  sharedWorker: async () => (await heldLocks()).some((name) => name === 'dmesh-tab'),
  webLocks: async () => !(await heldLocks()).some((name) => name.startsWith('dmesh-client')),
  'sharedWorker,webLocks': async () => !(await heldLocks()).some((name) => name.startsWith('dmesh-client') || name === 'dmesh-tab'),
  webRtc: async () => !(dmesh.state as { peers: readonly { path: string }[] }).peers.some(({ path }) => path === 'direct'),
  serviceWorker: async () => (await navigator.serviceWorker.getRegistrations()).length === 0,
}

/** Runs in the page: names of Web Locks that are held in this profile. */
async function heldLocks(): Promise<readonly string[]> {
  return ((await navigator.locks.query()).held ?? []).map(({ name = '' }) => name)
}

describe('with a part of the browser forced off', { timeout: 300_000 }, () => {
  let relay: Relay
  before(async () => {
    relay = await startTestRelay()
  })
  after(() => relay?.end())

  for (const [off, isOff] of Object.entries(RUNS)) {
    it(`without ${off}: two people meet, talk and exchange a file`, async (t) => {
      const path = off === 'webRtc' ? 'relayed' : 'direct'
      await meet(`${relay.url}/?off=${off}`, path, t, async (person) => {
        const source = `(${isOff})`.replaceAll('heldLocks()', `(${heldLocks})()`)
        const said = await person.page.evaluate(`${source}()`)
        assert.equal(said, true, `${off} is on`)
      })
    })
  }
})

/** No switch turns this off, since nothing uses it: so every script of the page loses the ability to send a stream to another thread. */
describe('without transferable streams', { timeout: 120_000 }, () => {
  let relay: Relay
  let dist: string
  before(async () => {
    dist = await mkdtemp(join(tmpdir(), 'dmesh-dist-'))
    await cp(join(root, 'dist'), dist, { recursive: true })
    for (const file of await readdir(dist, { recursive: true })) {
      if (!file.endsWith('.js')) continue
      const path = join(dist, file)
      await writeFile(path, `(${loseStreams})();\n${await readFile(path, 'utf8')}`)
    }
    relay = await startTestRelay({ dist })
  })
  after(async () => {
    await relay?.end()
    await rm(dist, { recursive: true, force: true })
  })

  it('two people meet, talk and exchange a file', async (t) => {
    await meet(relay.url, 'direct', t, async (person) => {
      const refused = await person.page.evaluate(() => {
        const stream = new ReadableStream()
        try {
          structuredClone(stream, { transfer: [stream as unknown as ArrayBuffer] })
          return 'cloned'
        } catch (error) {
          return (error as DOMException).name
        }
      })
      assert.equal(refused, 'DataCloneError')
    })
  })
})

async function meet(url: string, path: string, t: { diagnostic(text: string): void }, check: (person: Person) => Promise<void>): Promise<void> {
  const people: Person[] = []
  try {
    for (const name of ['Ana', 'Ben']) people.push(await startPerson({ url, name }))
    const [ana, ben] = people as [Person, Person]
    await seesPeer(ana, ben, SEEN_MS, (line) => line.path === path && line.name === 'Ben')
    await seesPeer(ben, ana, SEEN_MS, (line) => line.path === path && line.name === 'Ana')
    for (const person of people) await check(person)
    await sayTo(ana, ben, 'hello', TALK_MS)
    await waitUntil(async () => (await ana.state()).messages.some(({ status }) => status === 'delivered'), { ms: TALK_MS, what: 'the receipt' })
    const took = await sendFile(ben, ana, SIZE, FILE_MS)
    t.diagnostic(`${path}, 1 MB in ${took.toFixed(0)} ms`)
  } finally {
    await Promise.all(people.map((person) => person.close()))
  }
}

/** Runs first in every script, page or worker. */
function loseStreams(): void {
  if ('streamsLost' in globalThis) return
  Object.assign(globalThis, { streamsLost: true })
  const streams = [ReadableStream, WritableStream, TransformStream]
  const check = (given: unknown) => {
    const list = Array.isArray(given) ? given : ((given as { transfer?: readonly unknown[] } | undefined)?.transfer ?? [])
    if (list.some((one: unknown) => streams.some((kind) => one instanceof kind)))
      throw new DOMException('streams cannot be transferred', 'DataCloneError')
  }
  const wrap = (owner: object | undefined, name: string) => {
    const real = owner && (Reflect.get(owner, name) as ((...args: unknown[]) => unknown) | undefined)
    if (!owner || !real) return
    Object.defineProperty(owner, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]) {
        for (const arg of args.slice(1)) check(arg)
        return real.apply(this, args)
      },
    })
  }
  const scope = globalThis as unknown as Record<string, { prototype?: object } | undefined>
  wrap(globalThis, 'structuredClone')
  wrap(globalThis, 'postMessage')
  for (const name of ['MessagePort', 'Worker', 'ServiceWorker', 'Client']) wrap(scope[name]?.prototype, 'postMessage')
}
