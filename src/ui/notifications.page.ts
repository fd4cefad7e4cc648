/** Notes of the system for new messages: only when the person asked for them, the browser agreed, and no page of ours can be seen, which the service worker knows. Text alone, shortened. */
import { CHAT_TOPIC, nameOf, notify } from './actions.page.ts'
import type { App } from './app.page.ts'
import { routeHref } from './routes.ts'
import type { ShellNote } from './shell-door.ts'
import { plainMessage } from './untrusted.ts'

const MAX_TEXT = 120 // characters of a message that the system shows

export function mayNotify(app: App): boolean {
  return app.prefs.get('notify') === '1' && globalThis.Notification?.permission === 'granted'
}

/** Call from a click. Resolves with what holds now. */
export async function askToNotify(app: App, on: boolean): Promise<boolean> {
  const granted = on && (await globalThis.Notification?.requestPermission()) === 'granted'
  app.prefs.set('notify', granted ? '1' : '')
  if (on && !granted) notify(app, 'No notifications.', new Error('The browser refuses them. Allow them in the settings of this site.'))
  return mayNotify(app)
}

export function bindNotifications(app: App, { navigator, location }: Window, signal: AbortSignal): void {
  const shell = navigator.serviceWorker
  app.handle.addEventListener(
    'message',
    ({ detail: { id, peer, topic } }) => {
      if (app.visible.peek() || topic !== CHAT_TOPIC || !mayNotify(app)) return
      const text = app.handle.state.messages.find((one) => one.id === id)?.text ?? ''
      const body = plainMessage(text).text.slice(0, MAX_TEXT)
      shell?.controller?.postMessage({
        type: 'note',
        id,
        title: nameOf(app.handle.state, peer),
        body,
        href: routeHref('chat', peer),
      } satisfies ShellNote)
    },
    { signal },
  )
  shell?.addEventListener(
    'message',
    ({ data }: MessageEvent<{ readonly type?: unknown; readonly href?: unknown } | null>) => {
      if (data?.type === 'show') location.hash = String(data.href)
    },
    { signal },
  )
}
