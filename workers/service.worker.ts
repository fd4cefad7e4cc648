/**
 * The service worker (design §5, §7(b)): the page from the cache, offline too; the paths of peers refused on this origin. One classic script at /sw.js.
 * Keeps no state, never hangs, and never takes over from a running version before the person agreed.
 */
import { PrecacheController, type PrecacheEntry } from 'workbox-precaching'
import { doorFor, REFUSAL_HEADERS, refusalPage, type ShellAnswer, type ShellNote, type ShellQuestion } from '../src/ui/shell-door.ts'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: (PrecacheEntry | string)[] }
declare const __DMESH_VERSION__: string
declare const __DMESH_BUILD__: string

const NETWORK_MS = 5000 // a page that takes longer than this gets the shell from the cache

const cache = new PrecacheController()
cache.addToCacheList(self.__WB_MANIFEST)

self.addEventListener('install', (event) => {
  cache.install(event)
})

self.addEventListener('activate', (event) => {
  cache.activate(event)
  event.waitUntil(self.clients.claim())
})

self.addEventListener('message', (event) => {
  const question = event.data as Partial<ShellQuestion> | Partial<ShellNote> | undefined
  if (question?.type === 'activate') event.waitUntil(self.skipWaiting())
  if (question?.type === 'note') event.waitUntil(note(question as ShellNote))
  if (question?.type === 'about') event.ports[0]?.postMessage({ version: __DMESH_VERSION__, hash: __DMESH_BUILD__ } satisfies ShellAnswer)
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(showPage(String(event.notification.data)))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const door = doorFor(request, self.location.origin)
  switch (door.kind) {
    case 'pass':
      return
    case 'shell':
      return event.respondWith(shell())
    case 'page':
      return event.respondWith(fetch(request, { signal: AbortSignal.timeout(NETWORK_MS) }).catch(shell))
    case 'file':
      return event.respondWith(file(request))
    case 'refuse':
      return event.respondWith(refusal(door.status, door.title, door.reason, request.mode === 'navigate'))
  }
})

/** Every hidden page asks for the same one: one tag, one note. */
async function note({ id, title, body, href }: ShellNote): Promise<void> {
  const pages = await self.clients.matchAll({ type: 'window' })
  if (pages.some((page) => page.visibilityState === 'visible')) return
  await self.registration.showNotification(title, { body, tag: `dmesh ${id}`, data: href })
}

/** A page that is open already, else a new one. `href` is a fragment of ours. */
async function showPage(href: string): Promise<void> {
  const [page] = await self.clients.matchAll({ type: 'window' })
  if (!page) return void (await self.clients.openWindow(`/${href}`))
  await page.focus()
  page.postMessage({ type: 'show', href })
}

async function shell(): Promise<Response> {
  const cached = await cache.matchPrecache('/index.html')
  if (cached) return cached
  return fetch('/', { signal: AbortSignal.timeout(NETWORK_MS) }).catch(() =>
    refusal(503, 'DMesh cannot open offline yet', 'This browser removed the saved copy and there is no connection. Connect and open it again.', true),
  )
}

async function file(request: Request): Promise<Response> {
  const url = new URL(request.url)
  const cached = await cache.matchPrecache(url.pathname)
  return cached ?? fetch(request)
}

function refusal(status: number, title: string, reason: string, page: boolean): Response {
  const headers = { ...REFUSAL_HEADERS, 'content-type': page ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8' }
  return new Response(page ? refusalPage(title, reason) : `${title}. ${reason}`, { status, headers })
}
