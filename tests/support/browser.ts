/** A real Chromium that we start ourselves and drive over CDP: Playwright's own launch() changes storage partitioning and worker lifetimes. Must never reuse a profile by accident. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright'

/** ms for the browser to print its endpoint; 2 busy cores need up to 10 s. */
const START_MS = 30_000
/** ms between asking the browser to end and ending it. */
const STOP_MS = 5_000
/** Characters of its log kept for the error message. */
const MAX_LOG = 20_000

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--remote-debugging-port=0',
] as const

export interface ChromiumOptions {
  /** Added after the standard flags. */
  readonly args?: readonly string[]
  /** Profile directory. Default: a new one, removed by close(). A given one is kept, so that a second start sees the same storage. */
  readonly userDataDir?: string
  /** Put in front of the command line, e.g. what runs it in a network namespace. The debugging port is then inside: give `reach` too. */
  readonly wrap?: readonly string[]
  /** From the address that the browser printed to the one to connect to. Default: the same. */
  readonly reach?: (endpoint: string) => Promise<string>
}

export interface Chromium {
  readonly browser: Browser
  /** ws:// address of the debugging port. */
  readonly endpoint: string
  readonly userDataDir: string
  readonly pid: number
  /** End the browser and wait for it; removes a profile made here. Idempotent. */
  close(): Promise<void>
}

/** Start /usr/bin/chromium (or env CHROMIUM) and connect. `browser.contexts()[0]` is the profile's own, persistent context. */
export async function startChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const own = options.userDataDir === undefined
  const userDataDir = options.userDataDir ?? (await mkdtemp(join(tmpdir(), 'dmesh-chromium-')))
  const command = [
    ...(options.wrap ?? []),
    process.env.CHROMIUM ?? '/usr/bin/chromium',
    ...FLAGS,
    `--user-data-dir=${userDataDir}`,
    ...(options.args ?? []),
    'about:blank',
  ]
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid) process.kill(-child.pid, signal)
    } catch {
      // The group is gone already.
    }
  }
  const onExit = () => kill('SIGKILL')
  process.once('exit', onExit)
  let browser: Browser | undefined
  let closing: Promise<void> | undefined
  const stop = async () => {
    // Browser.close lets it flush IndexedDB and cookies to the profile; SIGKILL would lose the newest writes.
    const session = await browser?.newBrowserCDPSession().catch(() => undefined)
    await session?.send('Browser.close').catch(() => undefined)
    if (!session) kill('SIGTERM')
    const timer = setTimeout(() => kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
    kill('SIGKILL')
    process.off('exit', onExit)
    if (own) await rm(userDataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  const close = () => (closing ??= stop())
  try {
    const printed = await readEndpoint(child.stderr, ended)
    const endpoint = (await options.reach?.(printed)) ?? printed
    browser = await chromium.connectOverCDP(endpoint)
    return { browser, endpoint, userDataDir, pid: child.pid as number, close }
  } catch (error) {
    await close()
    throw error
  }
}

function readEndpoint(stderr: NodeJS.ReadableStream, ended: Promise<void>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`Chromium printed no endpoint in ${START_MS} ms: ${text}`)), START_MS)
    void ended.then(() => {
      clearTimeout(timer)
      reject(new Error(`Chromium ended before it was ready: ${text}`))
    })
    stderr.on('data', (chunk: Buffer) => {
      // Reading on after the endpoint keeps the pipe from filling up and blocking the browser.
      text = (text + chunk.toString('utf8')).slice(-MAX_LOG)
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(text)
      if (!found) return
      clearTimeout(timer)
      resolve(found[1] as string)
    })
  })
}
