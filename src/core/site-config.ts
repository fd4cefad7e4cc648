/** `/.well-known/dmesh.json`: what a relay publishes about itself and a browser needs to join. Parsed once, here, with caps; unknown fields are ignored so that newer relays still work. Pure. */
import * as v from 'valibot'
import { MeshError } from '../shared/errors.ts'
import { peerOfAddress } from './address.ts'

/** Path on every relay's origin. */
export const SITE_CONFIG_PATH = '/.well-known/dmesh.json'

/** Bytes of the answer that are read: 32 addresses and every quota are under 8 KiB. */
export const MAX_SITE_CONFIG = 64 * 1024

const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max))

const SiteConfigSchema = v.object({
  /** Version of this format. */
  v: v.literal(1),
  /** PeerID of the relay, base58. */
  peer: v.pipe(v.string(), v.regex(/^[1-9A-HJ-NP-Za-km-z]{46,60}$/)),
  /** Version of the relay's software. */
  version: text(64),
  /** Host a person knows, e.g. home.example. */
  name: text(255),
  /** Multiaddr texts that end in /p2p/<peer>. */
  addresses: v.pipe(v.array(v.pipe(v.string(), v.startsWith('/'), v.maxLength(512))), v.maxLength(32)),
  /** Own STUN responders, e.g. stun:home.example:3478. Never a third party's. */
  stun: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^(stuns?:)?[A-Za-z0-9.\-:[\]]{1,255}:\d{1,5}$/))), v.maxLength(4)), []),
  /** Limits the relay enforces; names and units as its README says. */
  quotas: v.optional(
    v.pipe(
      v.record(v.pipe(v.string(), v.maxLength(64)), v.pipe(v.number(), v.finite(), v.minValue(0))),
      v.check((quotas) => Object.keys(quotas).length <= 64, 'too many quotas'),
    ),
    {},
  ),
  /** Whether its public mesh is open. */
  lobby: v.optional(v.boolean(), false),
})

export type SiteConfig = v.InferOutput<typeof SiteConfigSchema>

/** BAD_CONFIG naming the field; UNKNOWN_VERSION for a format newer than this build. STUN entries come back with their scheme. */
export function parseSiteConfig(value: unknown): SiteConfig {
  const version = (value as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version > 1) throw new MeshError('UNKNOWN_VERSION', `the relay publishes version ${version} of dmesh.json`)
  const parsed = v.safeParse(SiteConfigSchema, value)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new MeshError('BAD_CONFIG', `dmesh.json: ${v.getDotPath(issue) ?? 'root'}: ${issue.message}`)
  }
  const { output } = parsed
  const foreign = output.addresses.find((address) => peerOfAddress(address) !== output.peer)
  if (foreign) throw new MeshError('BAD_CONFIG', `dmesh.json: address of another peer: ${foreign}`)
  return { ...output, stun: output.stun.map((entry) => (/^stuns?:/.test(entry) ? entry : `stun:${entry}`)) }
}
