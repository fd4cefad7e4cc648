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
    async resolve(signal) {
      const response = await get(`${origin}${SITE_CONFIG_PATH}`, { signal, cache: 'no-store', credentials: 'omit', redirect: 'error' }).catch(
        (cause: unknown) => {
          throw new MeshError('RELAY_UNREACHABLE', `${origin} does not answer`, { cause })
        },
      )
      if (!response.ok) throw new MeshError('RELAY_UNREACHABLE', `${origin} answered ${response.status}`)
      const site = parseSiteConfig(parse(await response.text(), origin))
      options.onSite?.(site)
      return { peer: site.peer, name: new URL(origin).hostname, addresses: site.addresses, quotas: site.quotas }
    },
  }
}

function parse(text: string, origin: string): unknown {
  if (text.length > MAX_SITE_CONFIG) throw new MeshError('BAD_CONFIG', `${origin} sent ${text.length} characters of dmesh.json`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshError('BAD_CONFIG', `${origin} sent no JSON`, { cause })
  }
}
