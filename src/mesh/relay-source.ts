/** A relay known by its origin: asks `/.well-known/dmesh.json` before each attempt, so a relay that restarted, moved or changed keys is found as it is now. */
import { MAX_SITE_CONFIG, parseSiteConfig, SITE_CONFIG_PATH, type SiteConfig } from '../core/site-config.ts'
import type { RelaySite, RelaySource } from '../core/transport.ts'
import { abortable } from '../shared/async.ts'
import { MeshError } from '../shared/errors.ts'

/** ms after which the early question is given up: the stores are open by then, and the first attempt asks again. */
const EARLY_MS = 3_000

export interface RelaySourceOptions {
  /** Told each answer, e.g. to learn the STUN servers. */
  readonly onSite?: (site: SiteConfig) => void
  readonly fetch?: typeof fetch
  /** Ask at once, for the first attempt: while the stores open nothing else uses the network. Default false. */
  readonly early?: true
}

/** `origin` such as https://home.example, without a slash at the end. */
export function createRelaySource(origin: string, options: RelaySourceOptions = {}): RelaySource {
  const get = options.fetch ?? ((...args: Parameters<typeof fetch>) => globalThis.fetch(...args))
  const ask = async (signal: AbortSignal): Promise<RelaySite> => {
    const response = await get(`${origin}${SITE_CONFIG_PATH}`, { signal, cache: 'no-store', credentials: 'omit', redirect: 'error' }).catch(
      (cause: unknown) => {
        throw new MeshError('RELAY_UNREACHABLE', `${origin} does not answer`, { cause })
      },
    )
    if (!response.ok) throw new MeshError('RELAY_UNREACHABLE', `${origin} answered ${response.status}`)
    const site = parseSiteConfig(parse(await readText(response, origin), origin))
    options.onSite?.(site)
    return { peer: site.peer, name: new URL(origin).hostname, addresses: site.addresses, quotas: site.quotas }
  }
  // Whatever went wrong with it, the first attempt asks again and says so.
  let early = options.early ? ask(AbortSignal.timeout(EARLY_MS)).catch(() => undefined) : undefined
  return {
    name: new URL(origin).host,
    origin,
    async resolve(signal) {
      const first = early
      early = undefined
      return (first && (await abortable(first, signal))) ?? ask(signal)
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
