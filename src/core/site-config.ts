/** What a relay says about itself at /.well-known/dmesh.json: the shape, and the parser for those who read it. Never trusts its size or its texts: everything is capped here. */
import * as v from 'valibot'
import { MeshError } from '../shared/errors.ts'
import { peerOfAddress } from './address.ts'

export interface SiteConfig {
  /** Version of this shape. */
  readonly v: 1
  /** PeerID of the relay, base58. */
  readonly peer: string
  /** Of the relay's program. */
  readonly version: string
  /** Hash of the page it serves, 'none' when it serves none. */
  readonly build: string
  /** What its operator calls it. */
  readonly name: string
  /** Multiaddr texts ending in /p2p/<peer>, best first. */
  readonly addresses: readonly string[]
  /** `stun:host:port`. */
  readonly stun: readonly string[]
  /** What it grants: number by name, unit by name (transports/relay/limits.ts). */
  readonly quotas: Readonly<Record<string, number>>
  /** Everybody who opens the page meets in its public mesh. */
  readonly lobby: boolean
}

/** Where it lies on a relay's origin. */
export const SITE_CONFIG_PATH = '/.well-known/dmesh.json'

/** Bytes of the whole text; ours has about 2 kB. */
export const MAX_SITE_CONFIG = 64 * 1024

const text = (most: number) => v.pipe(v.string(), v.maxLength(most))

const schema = v.object({
  v: v.literal(1),
  peer: v.pipe(text(128), v.regex(/^[1-9A-HJ-NP-Za-km-z]{32,128}$/)),
  version: text(64),
  build: text(64),
  name: v.pipe(
    text(256),
    v.transform((name) => name.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 64)),
  ),
  addresses: v.pipe(v.array(text(1024)), v.maxLength(64)),
  stun: v.pipe(v.array(v.pipe(text(300), v.regex(/^stun:[^\s/?#@]+$/))), v.maxLength(8)),
  quotas: v.pipe(
    v.record(text(64), v.pipe(v.number(), v.finite())),
    v.check((quotas) => Object.keys(quotas).length <= 64),
  ),
  lobby: v.boolean(),
})

/** Checked and frozen off from its source. Addresses of another peer are left out. UNKNOWN_VERSION when `v` is newer, BAD_RECORD for anything else that does not fit. */
export function parseSiteConfig(value: unknown): SiteConfig {
  const { v: version } = (value ?? {}) as { v?: unknown }
  if (typeof version === 'number' && version !== 1) throw new MeshError('UNKNOWN_VERSION', `dmesh.json has version ${version}, this program reads 1`)
  const parsed = v.safeParse(schema, value)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new MeshError('BAD_RECORD', `dmesh.json: ${v.getDotPath(issue) ?? 'the whole'} is wrong`)
  }
  const { output } = parsed
  return { ...output, addresses: output.addresses.filter((address) => peerOfAddress(address) === output.peer) }
}
