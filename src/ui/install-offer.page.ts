/** Keeps the browser's own install question for later, and knows where only a sentence helps (iOS). Shown after the first success, never on load. */
import type { App } from './app.page.ts'

/** Chromium's event; not in the DOM types. */
interface InstallQuestion extends Event {
  prompt(): Promise<unknown>
}

export function watchInstall(app: App, window: Window, signal: AbortSignal): void {
  const standalone = window.matchMedia('(display-mode: standalone)').matches
  if (standalone) return
  window.addEventListener(
    'beforeinstallprompt',
    (event) => {
      event.preventDefault()
      app.install.value = {
        kind: 'ask',
        async ask() {
          app.install.value = undefined // the question can be asked once
          await (event as InstallQuestion).prompt()
        },
      }
    },
    { signal },
  )
  window.addEventListener(
    'appinstalled',
    () => {
      app.install.value = undefined
    },
    { signal },
  )
  const { userAgent, maxTouchPoints } = window.navigator
  const apple = /\b(iPhone|iPad)\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && maxTouchPoints > 1)
  if (apple) app.install.value = { kind: 'ios', ask: async () => undefined }
}
