/** Security headers of the app's origin (design §7 b, c). Pure. The policy names the page's script files one by one, so that nothing else served from this origin can ever run as code. */
import { type ClientHost, hostText } from './hosts.ts'
import { MAX_NAMED_SCRIPTS } from './limits.ts'

const PERMISSIONS = [
  'accelerometer=()',
  'browsing-topics=()',
  'camera=(self)', // scans an invite
  'clipboard-read=()',
  'clipboard-write=(self)',
  'display-capture=()',
  'geolocation=()',
  'gyroscope=()',
  'magnetometer=()',
  'microphone=()',
  'midi=()',
  'payment=()',
  'usb=()',
].join(', ')

/** Holds files of the build alone, each under the hash of its content; a slash at its end makes it a prefix in a policy (CSP3 §6.7.2.11). */
const BUILD_FOLDER = '/assets/'

/** On every answer. */
export const BASE_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'permissions-policy': PERMISSIONS,
  'origin-agent-cluster': '?1',
}

/** Policy of a page, script or worker answer. `scripts` are all script paths of the build. No Cross-Origin-Opener-Policy: it would sever the consent popup from its opener. */
export function pageHeaders(host: ClientHost, scripts: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-security-policy': contentPolicy(host, scripts),
    'cross-origin-resource-policy': 'same-origin',
  }
}

/** On every answer to a host of ours, whatever it says: the first thing a browser sees of this relay may be a sentence or dmesh.json (RFC 6797 §7.2: over TLS alone). */
export function transportHeaders(host: ClientHost | undefined): Readonly<Record<string, string>> {
  return host?.secure ? { 'strict-transport-security': 'max-age=31536000' } : {}
}

/** Nothing by default; strings become code only by the page's one policy (src/bridge/trusted.page.ts); scripts and workers by exact file or from the build's own folder (ADR 15), no inline code, no eval (WebAssembly only); sockets to any relay, since relays are chosen by their users. */
export function contentPolicy(host: ClientHost, scripts: readonly string[]): string {
  const origin = `${host.secure ? 'https' : 'http'}://${hostText(host)}`
  const places = new Set(scripts.map((path) => (path.startsWith(BUILD_FOLDER) ? BUILD_FOLDER : encodeURI(path))))
  const named = places.size > 0 && places.size <= MAX_NAMED_SCRIPTS ? [...places].map((place) => `${origin}${place}`).join(' ') : "'self'"
  return [
    "default-src 'none'",
    `script-src ${named} 'wasm-unsafe-eval'`,
    `worker-src ${named}`,
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self' ws: wss: http: https:",
    "manifest-src 'self'",
    "form-action 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ')
}

/** What a peer sends must never act as part of this origin. */
export const PEER_CONTENT_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "sandbox; default-src 'none'",
  'content-disposition': 'attachment',
  'cache-control': 'no-store',
}
