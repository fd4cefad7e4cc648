/** People for end-to-end tests: each a Chromium profile of its own with the real page open at a real relay. Must never talk to the mesh but through the page. */
import type { BrowserContext, Page } from 'playwright'
import type { MeshState } from '../../src/core/mesh.ts'
import { type Chromium, type ChromiumOptions, startChromium } from './browser.ts'
import { waitUntil } from './wait.ts'

/** ms for the page to load libp2p and join on two busy cores; what the product promises is asserted by the tests themselves. */
const READY_MS = 20_000

export interface Person {
  readonly name: string
  page: Page
  /** PeerID. */
  readonly peer: string
  state(): Promise<MeshState>
  /** Another tab of the same profile. */
  newTab(url?: string): Promise<Page>
  close(): Promise<void>
}

export interface PersonOptions {
  readonly url: string
  readonly name: string
  readonly chromium?: ChromiumOptions
  /** Connect to a browser that runs elsewhere, e.g. in a namespace. */
  readonly start?: (options: ChromiumOptions) => Promise<Chromium>
}

/** Opens the page, goes through the first-run card and waits until the mesh is ready. */
export async function startPerson({
  url,
  name,
  chromium: options = {},
  start = startChromium,
}: PersonOptions): Promise<Person & { readonly chromium: Chromium }> {
  const chromium = await start(options)
  const context = chromium.browser.contexts()[0]
  if (!context) throw new Error('Chromium has no context')
  try {
    return { ...(await openPerson(context, url, name)), chromium, close: () => chromium.close() }
  } catch (error) {
    await chromium.close()
    throw error
  }
}

/** The same in a context that exists already; close() closes the context. */
export async function openPerson(context: BrowserContext, url: string, name: string): Promise<Person> {
  const page = context.pages()[0] ?? (await context.newPage())
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  try {
    // A new network namespace still gets its addresses: Chromium gives up what it loads when one comes.
    await page.goto(url).catch((error: Error) => (error.message.includes('ERR_NETWORK_CHANGED') ? page.goto(url) : Promise.reject(error)))
    await passFirstRun(page, name)
    const peer = await withTimeout(
      page.evaluate(async () => {
        await dmesh.ready
        return dmesh.peer
      }),
      `${name}'s mesh (page said: ${problems.join(' | ')})`,
    )
    const person: Person = {
      name,
      page,
      peer,
      state: () => person.page.evaluate(() => dmesh.state as never),
      async newTab(to = url) {
        const tab = await context.newPage()
        await tab.goto(to)
        return tab
      },
      close: () => context.close(),
    }
    return person
  } catch (error) {
    await page.screenshot({ path: `/tmp/dmesh-failed-${name}.png` }).catch(() => undefined)
    throw error instanceof Error ? new Error(`${error.message}; page said: ${problems.join(' | ').slice(0, 2000)}`, { cause: error }) : error
  }
}

/** Type the name into the first-run card and join; nothing to do when this profile joined before. */
async function passFirstRun(page: Page, name: string): Promise<void> {
  const join = page.getByRole('button', { name: 'Join', exact: true })
  const home = page.getByRole('button', { name: 'Invite' }).or(page.getByText('Here now')).first()
  await join.or(home).first().waitFor({ timeout: READY_MS })
  if (!(await join.isVisible())) return
  await page.getByRole('textbox').first().fill(name)
  await join.click()
}

/** Wait until `person` sees `other` and `accept` says yes to that peer; gives the peer's line. */
export async function seesPeer(
  person: Person,
  other: Person,
  ms: number,
  accept: (line: MeshState['peers'][number]) => boolean,
): Promise<MeshState['peers'][number]> {
  return waitUntil(async () => (await person.state()).peers.find((line) => line.id === other.peer && accept(line)), {
    ms,
    what: `${person.name} to see ${other.name} as wanted`,
  })
}

/** Put a file of this machine into an input `#test-file` of the page, as a person's file picker would: the page gets a handle, not the bytes. */
export async function chooseFile(page: Page, path: string): Promise<void> {
  await page.evaluate(() => {
    document.querySelector('#test-file')?.remove()
    const input = document.createElement('input')
    input.type = 'file'
    input.id = 'test-file'
    document.body.append(input)
  })
  const session = await page.context().newCDPSession(page)
  const { result } = await session.send('Runtime.evaluate', { expression: "document.querySelector('#test-file')" })
  await session.send('DOM.setFileInputFiles', { files: [path], objectId: result.objectId as string })
  await session.detach()
}

async function withTimeout<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${READY_MS} ms in vain for: ${what}`)), READY_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

declare global {
  var dmesh: {
    ready: Promise<unknown>
    peer: string
    state: MeshState
    [key: string]: unknown
  }
}
