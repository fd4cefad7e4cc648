/** Trusted Types of the page (W3C Trusted Types, with the front's CSP): the one policy gives our own workers their URLs, and every other string that would become code is refused. Must run before the first worker starts. */

/** Files that the page starts by URL; the rest is imported, which takes no string from anybody. */
const OWN: ReadonlySet<string> = new Set(['/mesh.worker.js', '/storage.worker.js', '/sw.js'])

/** Not in the DOM types yet. */
interface PolicyFactory {
  createPolicy(name: 'default', rules: { createScriptURL(text: string): string | null }): unknown
}

/** Nothing where the browser has no Trusted Types. */
export function trustOwnScripts(scope: {
  readonly location: { readonly href: string; readonly origin: string }
  readonly trustedTypes?: PolicyFactory
}): void {
  scope.trustedTypes?.createPolicy('default', {
    createScriptURL(text) {
      const { origin, pathname } = new URL(text, scope.location.href)
      return origin === scope.location.origin && OWN.has(pathname) ? text : null
    },
  })
}
