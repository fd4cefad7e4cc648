/** Relays as a terminal peer finds them. Their names under localhost are this computer (RFC 6761 §6.3): browsers know that, the resolvers of many systems do not. */
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { Readable } from 'node:stream'
import type { SiteConfig } from '../../src/core/site-config.ts'
import type { RelaySource } from '../../src/core/transport.ts'
import { createRelaySource } from '../../src/mesh/relay-source.ts'
import { isLocalName, lookup } from '../../src/shared/local-names.node.ts'

/** `origin` such as https://home.example. */
export function terminalRelaySource(origin: string, onSite?: (site: SiteConfig) => void): RelaySource {
  const local = isLocalName(new URL(origin).hostname)
  return createRelaySource(origin, { ...(local ? { fetch: fetchLocal } : {}), ...(onSite ? { onSite } : {}) })
}

/** As much of fetch() as a relay source uses, for names that are this computer. fetch() itself always asks the system. No redirect is followed. */
const fetchLocal: typeof fetch = async (input, init) => {
  const url = new URL(String(input))
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const get = url.protocol === 'https:' ? getHttps : getHttp
  get(url, { lookup, agent: false, ...(init?.signal ? { signal: init.signal } : {}) }, resolve).once('error', reject)
  const answer = await promise
  return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>, { status: answer.statusCode ?? 502 })
}
