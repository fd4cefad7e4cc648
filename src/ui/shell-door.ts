/** What the service worker answers for a request on the app's origin (design §7(b)): shell, precached file, refusal, or nothing of ours. Pure; must never let a peer's page run on this origin. */

export type Door =
  /** Not ours: the browser goes to the network by itself. */
  | { readonly kind: 'pass' }
  /** The page itself, from the cache. */
  | { readonly kind: 'shell' }
  /** Another page of this origin: network, and the shell when that fails. */
  | { readonly kind: 'page' }
  /** A file of the build, from the cache when it is there. */
  | { readonly kind: 'file' }
  | { readonly kind: 'refuse'; readonly status: 403 | 503; readonly title: string; readonly reason: string }

export interface DoorRequest {
  readonly url: string
  readonly method: string
  readonly mode: string
  readonly destination: string
}

/** The URL space of peers and content. */
const MESH_PATHS = /^\/(p2p|ipfs|ipns)(\/|$)/
/** What an app may embed or fetch; everything else (frames, scripts, workers, styles, fonts, objects) could act in our name. */
const PASSIVE = new Set(['', 'image', 'audio', 'video', 'track'])
/** Answers of the relay itself. */
const RELAY_PATHS = /^\/(\.well-known\/|healthz$|readyz$|build\.json$|sw\.js$)/

export function doorFor(request: DoorRequest, origin: string): Door {
  const url = new URL(request.url)
  if (url.origin !== origin) return { kind: 'pass' }
  if (MESH_PATHS.test(url.pathname)) return meshDoor(request)
  if (request.method !== 'GET' || RELAY_PATHS.test(url.pathname)) return { kind: 'pass' }
  if (request.mode !== 'navigate') return { kind: 'file' }
  return url.pathname === '/' || url.pathname === '/index.html' ? { kind: 'shell' } : { kind: 'page' }
}

function meshDoor({ mode, destination, method }: DoorRequest): Door {
  if (mode === 'navigate') {
    return {
      kind: 'refuse',
      status: 403,
      title: 'This page does not open here',
      reason: 'Pages of other devices never open on this address, where your key and messages live. Sites of their own are not in this version.',
    }
  }
  if (!PASSIVE.has(destination))
    return { kind: 'refuse', status: 403, title: 'Not allowed', reason: 'Content of other devices is not allowed to run on this address.' }
  if (method !== 'GET' && method !== 'HEAD')
    return { kind: 'refuse', status: 403, title: 'Not allowed', reason: 'Only reading is allowed on this address.' }
  return {
    kind: 'refuse',
    status: 503,
    title: 'Not in this version',
    reason: 'Fetching from other devices is not in this version. Use files and messages.',
  }
}

/** Headers of every answer that this door makes up. */
export const REFUSAL_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
}

/** A page without scripts and styles: the policy above forbids them. All text is ours. */
export function refusalPage(title: string, reason: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title><h1>${title}</h1><p>${reason}</p><p><a href="/">To DMesh</a></p></html>`
}

/** From a hidden page: tell the person of a message, unless another page can be seen. `href` = fragment to open. */
export interface ShellNote {
  readonly type: 'note'
  readonly id: string
  readonly title: string
  readonly body: string
  readonly href: string
}

/** What page and service worker say to each other, over a MessageChannel port. */
export type ShellQuestion = { readonly type: 'about' } | { readonly type: 'activate' }
export interface ShellAnswer {
  readonly version: string
  /** SHA-256 over every file of the build, hex. */
  readonly hash: string
}
