/** The service worker from the page's side: registers it, shows which build runs, offers a newer one, and switches only when the person agrees. */
import { effect } from '@preact/signals'
import type { App } from './app.page.ts'
import type { ShellAnswer, ShellQuestion } from './shell-door.ts'

const ANSWER_MS = 3000 // a worker that does not answer is an old one: no offer then
const CHECK_MS = 60 * 60 * 1000 // how often a page that stays open looks for a newer version
const HASH_CHARACTERS = 12

/** Never rejects: a page without a service worker works, only not offline. */
export async function watchShell(app: App, container: ServiceWorkerContainer, signal: AbortSignal): Promise<void> {
  const reload = { wanted: false }
  const controlled = container.controller !== null
  container.addEventListener(
    'controllerchange',
    () => {
      void readBuild(app, container.controller)
      if (controlled || reload.wanted) reloadWhenIdle(app, signal)
    },
    { signal },
  )
  try {
    const registration = await container.register('/sw.js', { scope: '/', updateViaCache: 'none' })
    void readBuild(app, registration.active ?? container.controller)
    const offer = () => void offerUpdate(app, registration, reload)
    if (registration.waiting && registration.active) offer()
    registration.addEventListener(
      'updatefound',
      () => {
        const next = registration.installing
        next?.addEventListener(
          'statechange',
          () => {
            if (next.state === 'installed' && registration.active) offer()
            if (next.state === 'activated') void readBuild(app, next)
          },
          { signal },
        )
      },
      { signal },
    )
    const timer = setInterval(() => void registration.update().catch(() => undefined), CHECK_MS)
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  } catch {
    app.build.value = undefined // private windows and old browsers; Diagnostics says that it is missing
  }
}

async function offerUpdate(app: App, registration: ServiceWorkerRegistration, reload: { wanted: boolean }): Promise<void> {
  const { waiting } = registration
  const about = waiting && (await askShell(waiting))
  if (!about) return
  app.update.value = {
    version: about.version,
    hash: about.hash.slice(0, HASH_CHARACTERS),
    accept() {
      reload.wanted = true
      registration.waiting?.postMessage({ type: 'activate' } satisfies ShellQuestion)
    },
  }
}

async function readBuild(app: App, worker: ServiceWorker | null): Promise<void> {
  const about = worker && (await askShell(worker))
  if (about) app.build.value = { version: about.version, hash: about.hash.slice(0, HASH_CHARACTERS) }
}

/** Version and hash of one worker, or undefined when it does not say. */
function askShell(worker: ServiceWorker): Promise<ShellAnswer | undefined> {
  const { port1, port2 } = new MessageChannel()
  const answer = Promise.withResolvers<ShellAnswer | undefined>()
  const timer = setTimeout(() => answer.resolve(undefined), ANSWER_MS)
  port1.onmessage = (event: MessageEvent<ShellAnswer>) => answer.resolve(event.data)
  worker.postMessage({ type: 'about' } satisfies ShellQuestion, [port2])
  return answer.promise.finally(() => {
    clearTimeout(timer)
    port1.close()
  })
}

/** Another tab may have agreed while something is being written or a file moves here: that ends first. */
function reloadWhenIdle(app: App, signal: AbortSignal): void {
  const stop = effect(() => {
    if (!app.busy.value && !app.typing.value) location.reload()
  })
  signal.addEventListener('abort', stop, { once: true })
}
