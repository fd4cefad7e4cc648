/** A relay known by its origin: asks `/.well-known/dmesh.json` before each attempt, so a relay that restarted, moved or changed keys is found as it is now. */
import { MAX_SITE_CONFIG, parseSiteConfig, SITE_CONFIG_PATH, type SiteConfig } from '../core/site-config.ts'
import type { RelaySource } from '../core/transport.ts'
import { MeshError } from '../shared/errors.ts'

export interface RelaySourceOptions {
  /** Told each answer, e.g. to learn the STUN servers. */
  readonly onSite?: (site: SiteConfig) => void
  readonly fetch?: typeof fetch
}

/** `origin` such as https://home.example, without a slash at the end. */
export function createRelaySource(origin: string, options: RelaySourceOptions = {}): RelaySource {
  const get = options.fetch ?? ((...args: Parameters<typeof fetch>) => globalThis.fetch(...args))
  return {
    name: new URL(origin).host,
    origin,
    async resolve(signal) {
      const response = await get(`${origin}${SITE_CONFIG_PATH}`, { signal, cache: 'no-store', credentials: 'omit', redirect: 'error' }).catch(
        (cause: unknown) => {
          throw new MeshError('RELAY_UNREACHABLE', `${origin} does not answer`, { cause })
        },
      )
      if (!response.ok) throw new MeshError('RELAY_UNREACHABLE', `${origin} answered ${response.status}`)
      const site = parseSiteConfig(parse(await readText(response, origin), origin))
      options.onSite?.(site)
      return { peer: site.peer, name: new URL(origin).hostname, addresses: site.addresses, quotas: site.quotas }
    },
  }
}

/** Never holds more than the cap, however much the origin sends. BAD_CONFIG above it. */
async function readText(response: Response, origin: string): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let size = 0; ; ) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > MAX_SITE_CONFIG) {
      await reader?.cancel().catch(() => undefined)
      throw new MeshError('BAD_CONFIG', `${origin} sent more than ${MAX_SITE_CONFIG} bytes of dmesh.json`)
    }
    text += decoder.decode(value, { stream: true })
  }
}

function parse(text: string, origin: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshError('BAD_CONFIG', `${origin} sent no JSON`, { cause })
  }
}
