/** Root of the page (design §7 a): the shell at once, then the service worker and the mesh in its worker; `globalThis.dmesh` is the API. Builds and starts, decides nothing. */
import { readSwitches, SWITCHES_KEY, type Switches } from './bridge/switches.ts'
import { trustOwnScripts } from './bridge/trusted.page.ts'
import type { Mesh } from './core/mesh.ts'
import { systemClock } from './shared/clock.ts'
import { consoleSink, createLog, type Log } from './shared/log.ts'
import type { PageHandle } from './ui/page-handle.ts'
import { startPage } from './ui/start.page.ts'

declare const __DMESH_VERSION__: string
declare const __DMESH_SOURCE__: string

declare global {
  /** The API of design §4; `await dmesh.ready` first. */
  var dmesh: PageHandle
}

function main(): void {
  trustOwnScripts(globalThis)
  const switches = readSwitches({ search: location.search, stored: readStored(), scope: globalThis })
  const { log } = createLog(consoleSink(), { '*': 'warn' })
  const app = startPage(window, {
    connect: () => reachMesh(switches, log),
    version: __DMESH_VERSION__,
    serviceWorker: switches.serviceWorker,
  })
  globalThis.dmesh = app.handle
}

/** Loaded after the first paint: the shell must not wait for it. */
async function reachMesh(switches: Switches, log: Log): Promise<Mesh> {
  const [{ connectPage }, { serveRtcHost }, { createLazyHttp }] = await Promise.all([
    import('./bridge/connect.page.ts'),
    import('./transports/webrtc/host.page.ts'),
    import('./protocols/http/lazy.ts'),
  ])
  const clock = systemClock()
  return connectPage({
    switches,
    build: `${__DMESH_VERSION__}+${__DMESH_SOURCE__}`,
    // The name tells a worker which locks its pages use.
    openSharedWorker: (name) =>
      // extendedLifetime is newer than the DOM types: the mesh outlives a reload
      new SharedWorker(new URL('../workers/mesh.worker.ts', import.meta.url), {
        /* @vite-ignore */ type: 'module',
        name,
        extendedLifetime: true,
      } as WorkerOptions),
    openWorker: (name) => new Worker(new URL('../workers/mesh.worker.ts', import.meta.url), { /* @vite-ignore */ type: 'module', name }),
    openStorage: () => new Worker(new URL('../workers/storage.worker.ts', import.meta.url), { type: 'module', name: 'storage' }),
    serveRtc: (port) => serveRtcHost({ port, log }),
    clock,
    log,
    http: createLazyHttp({ clock, log }),
  })
}

function readStored(): string | null {
  try {
    return localStorage.getItem(SWITCHES_KEY)
  } catch {
    return null // blocked storage switches nothing off
  }
}

main()
