/** Answers a test page's own `/.well-known/dmesh.json` with that of a relay, as the product's origin does. Loopback only. */
import type { PageServerOptions } from './page-server.ts'

const SITE = '/.well-known/dmesh.json'

/** For `route` of a page server; `port` is the relay's. */
export function siteOfRelay(port: number): NonNullable<PageServerOptions['route']> {
  return (request, response) => {
    if (request.url !== SITE) return false
    fetch(`http://127.0.0.1:${port}${SITE}`).then(
      async (answer) => response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text()),
      (error: unknown) => response.writeHead(502).end(String(error)),
    )
    return true
  }
}
