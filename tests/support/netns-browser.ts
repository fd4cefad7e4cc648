/** Chromium inside a namespace, driven from outside, and people who use it. The page is opened under a name that browsers trust without TLS, which is mapped to the relay's address. */
import { type Chromium, type ChromiumOptions, startChromium } from './browser.ts'
import type { Space } from './netns.ts'
import { type Door, openDoor } from './netns-programs.ts'
import { type Person, type PersonOptions, startPerson } from './people.ts'

/** What the browser asks its maker for by itself, seen with an empty page too: sent to a closed port of its own, so that every question left in a capture is one of the page's. */
const QUIET = [
  '--gaia-url=http://127.0.0.1:1', // the signed-in account
  '--apps-gallery-update-url=http://127.0.0.1:1/', // extensions
  '--component-updater=url-source=http://127.0.0.1:1/',
  // The clock, what a form is about, models. Another --disable-features in `args` would take the place of this one.
  '--disable-features=NetworkTimeServiceQuerying,AutofillServerCommunication,OptimizationHints,OptimizationGuideModelDownloading',
] as const

/** Like startChromium. `server` = where the name dmesh.localhost leads. */
export async function startChromiumIn(space: Space, server: string, options: ChromiumOptions = {}): Promise<Chromium> {
  let door: Door | undefined
  const host = server.includes(':') ? `[${server}]` : server
  try {
    const chromium = await startChromium({
      ...options,
      args: [...QUIET, `--host-resolver-rules=MAP dmesh.localhost ${host}`, ...(options.args ?? [])],
      wrap: space.wrap,
      async reach(endpoint) {
        const url = new URL(endpoint)
        door = await openDoor(space, Number(url.port))
        url.port = String(door.port)
        return url.href
      },
    })
    return {
      ...chromium,
      async close() {
        await chromium.close()
        await door?.close()
      },
    }
  } catch (error) {
    await door?.close()
    throw error
  }
}

/** Somebody at home: see startPerson. */
export function startPersonIn(space: Space, server: string, options: Omit<PersonOptions, 'start'>): Promise<Person> {
  return startPerson({ ...options, start: (chromium) => startChromiumIn(space, server, chromium) })
}
