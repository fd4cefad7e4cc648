/** What a request to the front means (design §7 b): from method, target, host and Sec-Fetch headers to one of a few answers. Pure. */
import { SITE_CONFIG_PATH } from '../../src/core/site-config.ts'
import { type ClientHost, hostText, LOCAL_APP_HOST } from './hosts.ts'

export interface RequestFacts {
  readonly method: string
  /** The request target as it came. */
  readonly target: string
  /** undefined = the Host header names nobody we are. */
  readonly host: ClientHost | undefined
  readonly fetchMode: string | undefined
  readonly fetchDest: string | undefined
  readonly accept: string | undefined
}

export type Route =
  | { readonly kind: 'misdirected' }
  | { readonly kind: 'bad-target' }
  | { readonly kind: 'method'; readonly allow: string }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'health' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'site' }
  | { readonly kind: 'site-preflight' }
  | { readonly kind: 'peer-content'; readonly status: 403 | 404 }
  | { readonly kind: 'file'; readonly path: string }

/** Destinations that the app's own fetch, images and media have; the only ones that peer content may go to on this origin. */
const PEER_DESTINATIONS: readonly string[] = ['empty', 'image', 'audio', 'video', 'track']

/** Never throws. Whether a file exists is not known here. */
export function route(facts: RequestFacts): Route {
  if (!facts.host) return { kind: 'misdirected' }
  const path = readPath(facts.target)
  if (path === undefined) return { kind: 'bad-target' }
  if (path === SITE_CONFIG_PATH && facts.method === 'OPTIONS') return { kind: 'site-preflight' }
  if (/^\/(p2p|ipfs|ipns)(\/|$)/.test(path)) return { kind: 'peer-content', status: mayTakePeerContent(facts) ? 404 : 403 }
  if (facts.method !== 'GET' && facts.method !== 'HEAD')
    return { kind: 'method', allow: path === SITE_CONFIG_PATH ? 'GET, HEAD, OPTIONS' : 'GET, HEAD' }
  if (path === '/healthz') return { kind: 'health' }
  if (path === '/readyz') return { kind: 'ready' }
  if (path === SITE_CONFIG_PATH) return { kind: 'site' }
  if (facts.host.kind === 'local' && !facts.host.secure && isNavigation(facts)) {
    return { kind: 'redirect', to: `http://${hostText({ host: LOCAL_APP_HOST, port: facts.host.port, secure: false })}${facts.target}` }
  }
  return { kind: 'file', path }
}

/** Decoded path; undefined for a target in another form, with dot segments, or wrongly encoded. */
function readPath(target: string): string | undefined {
  if (!target.startsWith('/') || target.startsWith('//')) return undefined
  try {
    const path = decodeURIComponent(target.split(/[?#]/, 1)[0] as string)
    return /[\0\\]|(^|\/)\.\.?(\/|$)/.test(path) ? undefined : path
  } catch {
    return undefined
  }
}

/** Browsers say so themselves; those that do not send Sec-Fetch-Mode ask for HTML. */
export function isNavigation({ fetchMode, accept }: Pick<RequestFacts, 'fetchMode' | 'accept'>): boolean {
  if (fetchMode !== undefined) return fetchMode === 'navigate'
  return (accept ?? '').includes('text/html')
}

function mayTakePeerContent(facts: RequestFacts): boolean {
  if (facts.method !== 'GET' && facts.method !== 'HEAD') return false
  if (isNavigation(facts)) return false
  return facts.fetchDest === undefined || PEER_DESTINATIONS.includes(facts.fetchDest)
}
