/** Starts the page: shell first, then the mesh, then what may wait. Shared by the page root and its tests; the parts that differ are arguments. */
import { effect } from '@preact/signals'
import type { Mesh } from '../core/mesh.ts'
import { systemClock } from '../shared/clock.ts'
import { type App, createApp } from './app.page.ts'
import { suggestName } from './device-name.ts'
import { watchInstall } from './install-offer.page.ts'
import { mountApp } from './mount.page.tsx'
import { bindPage } from './page-events.page.ts'
import { createPreferences } from './preferences.page.ts'
import { insecureProblem } from './problem.ts'
import { watchShell } from './shell-update.page.ts'
import { takeInvite } from './take-invite.page.ts'

/** ms after which a page that finds no relay is made ready for offline use all the same. */
const SHELL_WAIT = 3_000

export interface PageParts {
  /** One attempt to reach the mesh; called again by Retry. */
  connect(): Promise<Mesh>
  readonly version: string
  /** False for a run without service worker. */
  readonly serviceWorker: boolean
  /** Address that others should open, where it is not the one of this page. */
  readonly origin?: string
}

export function startPage(window: Window, parts: PageParts): App {
  const { document, location, navigator } = window
  const suggestedName = suggestName(navigator)
  const signal = new AbortController().signal // the page lives as long as its window
  const invite = takeInvite(window)
  const app = createApp({
    connect: () => parts.connect(),
    clock: systemClock(),
    prefs: createPreferences(() => window.localStorage),
    suggestedName,
    version: parts.version,
    origin: parts.origin ?? location.origin,
    fragment: location.hash,
    ...(invite ? { invite } : {}),
    ...(window.isSecureContext ? {} : { blocked: insecureProblem(location.host, location.port) }),
  })
  bindPage(app, window, signal)
  // First, so that its parts are on their way while the shell is drawn.
  app.start()
  mountApp(app, document.getElementById('app') ?? document.body)
  watchInstall(app, window, signal)
  if (parts.serviceWorker && 'serviceWorker' in navigator) void whenJoined(app, signal).then(() => watchShell(app, navigator.serviceWorker, signal))
  return app
}

/** The service worker loads every file of the page once more: that must not stand in the way of the mesh. Resolves when it is up, or after SHELL_WAIT. */
function whenJoined(app: App, signal: AbortSignal): Promise<void> {
  const joined = Promise.withResolvers<void>()
  const timer = setTimeout(joined.resolve, SHELL_WAIT)
  const stop = effect(() => {
    if (app.state.value.status === 'relayed' || app.state.value.status === 'direct') joined.resolve()
  })
  signal.addEventListener('abort', () => joined.resolve(), { once: true })
  return joined.promise.finally(() => {
    clearTimeout(timer)
    stop()
  })
}
