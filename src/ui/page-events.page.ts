/** Ties the window to the app: fragment, width, online, paste, time, and what is announced. Everything ends with the signal. */
import { effect } from '@preact/signals'
import { nameOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { findInvite, meshName } from './mesh-words.ts'
import { bindNotifications } from './notifications.page.ts'
import { parseRoute } from './routes.ts'
import { takeInvite } from './take-invite.page.ts'
import { plainFileName, plainMessage } from './untrusted.ts'
import { bytesText } from './words.ts'

const TICK_MS = 30_000 // "since 14:05" needs no more
const ANNOUNCED = 120 // characters of a message that are read out

export function bindPage(app: App, window: Window, signal: AbortSignal): void {
  const { document, location } = window
  const wide = window.matchMedia('(min-width: 900px)')
  const onWide = () => {
    app.wide.value = wide.matches
  }
  const onOnline = () => {
    app.online.value = window.navigator.onLine
  }
  const onHash = () => {
    const link = takeInvite(window)
    if (link) app.dialog.value = { kind: 'join', link }
    if (location.hash === '' || location.hash.startsWith('#/')) app.route.value = parseRoute(location.hash)
  }
  const onVisible = () => {
    app.visible.value = document.visibilityState === 'visible'
  }
  onWide()
  onOnline()
  onVisible()
  document.addEventListener('visibilitychange', onVisible, { signal })
  wide.addEventListener('change', onWide, { signal })
  window.addEventListener('online', onOnline, { signal })
  window.addEventListener('offline', onOnline, { signal })
  window.addEventListener('hashchange', onHash, { signal })
  const onFocus = () => {
    app.typing.value = document.activeElement?.matches('input:not([type=checkbox]), textarea') ?? false
  }
  document.addEventListener('focusin', onFocus, { signal })
  document.addEventListener('focusout', () => queueMicrotask(onFocus), { signal })
  document.addEventListener('paste', (event) => onPaste(app, event), { signal })
  // a file dropped beside a target must not replace the page
  document.addEventListener('dragover', (event) => event.preventDefault(), { signal })
  document.addEventListener('drop', (event) => event.preventDefault(), { signal })
  const timer = window.setInterval(() => {
    app.now.value = Date.now()
  }, TICK_MS)
  signal.addEventListener('abort', () => window.clearInterval(timer), { once: true })
  bindTitle(app, document, signal)
  bindQuietOffers(app, signal)
  bindAnnouncements(app, signal)
  bindNotifications(app, window, signal)
  bindMeshes(app, signal)
}

function onPaste(app: App, event: ClipboardEvent): void {
  const target = event.target
  if (target instanceof HTMLElement && target.closest('input, textarea, [contenteditable]')) return
  const files = [...(event.clipboardData?.files ?? [])]
  const text = event.clipboardData?.getData('text/plain') ?? ''
  if (files.length === 0 && text === '') return
  event.preventDefault()
  const link = findInvite(text)
  if (link && files.length === 0) app.dialog.value = { kind: 'join', link }
  else app.outgoing.value = files.length > 0 ? { files } : { files: [], text }
}

const TITLES = { devices: 'Devices', transfers: 'Transfers', chat: 'Chat', sites: 'Sites & ports', settings: 'Settings', meshes: 'Meshes' } as const

function bindTitle(app: App, document: Document, signal: AbortSignal): void {
  const stop = effect(() => {
    const moving = app.state.value.transfers.find((one) => one.status === 'running')
    const share = moving && moving.size > 0 ? `${Math.floor((moving.done / moving.size) * 100)} % · ` : ''
    document.title = `${share}${TITLES[app.route.value.screen]} · DMesh`
  })
  signal.addEventListener('abort', stop, { once: true })
}

/** An offer that comes while somebody writes must not take the keys they press. */
function bindQuietOffers(app: App, signal: AbortSignal): void {
  const known = new Set<string>()
  const stop = effect(() => {
    const fresh = app.state.value.transfers.filter((one) => one.direction === 'in' && one.status === 'offered' && !known.has(one.id))
    if (fresh.length === 0) return
    for (const one of fresh) known.add(one.id)
    if (app.typing.peek()) app.quiet.value = new Set([...app.quiet.peek(), ...fresh.map((one) => one.id)])
  })
  signal.addEventListener('abort', stop, { once: true })
}

/** What happens to my place in a mesh while I look elsewhere. */
function bindMeshes(app: App, signal: AbortSignal): void {
  let before = new Map<string, string>()
  const stop = effect(() => {
    const { meshes } = app.state.value
    for (const mesh of meshes) {
      const was = before.get(mesh.id)
      if (was === 'waiting' && mesh.status === 'joined') app.live.value = `You are in ${meshName(mesh)}.`
      if (was === 'joined' && mesh.status === 'removed') app.live.value = `You were removed from ${meshName(mesh)}.`
    }
    before = new Map(meshes.map(({ id, status }) => [id, status]))
  })
  signal.addEventListener('abort', stop, { once: true })
}

function bindAnnouncements(app: App, signal: AbortSignal): void {
  const say = (text: string) => {
    app.live.value = text
  }
  app.handle.addEventListener(
    'message',
    ({ detail }) => {
      const text = app.handle.state.messages.find((one) => one.id === detail.id)?.text
      const name = nameOf(app.handle.state, detail.peer)
      say(text === undefined ? `Message from ${name}.` : `${name}: ${plainMessage(text).text.slice(0, ANNOUNCED)}`)
    },
    { signal },
  )
  app.handle.addEventListener(
    'fileoffer',
    ({ detail }) => {
      say(`${nameOf(app.handle.state, detail.peer)} wants to send you ${plainFileName(detail.name)}, ${bytesText(detail.size)}.`)
    },
    { signal },
  )
  app.handle.addEventListener(
    'transferchange',
    ({ detail }) => {
      const name = plainFileName(detail.name)
      if (detail.status === 'done') say(detail.direction === 'in' ? `${name} arrived and is verified.` : `${name} was sent and is verified.`)
      if (detail.status === 'failed') say(`${name} failed.`)
      if (detail.status === 'declined') say(`${nameOf(app.handle.state, detail.peer)} declined ${name}.`)
    },
    { signal },
  )
}
