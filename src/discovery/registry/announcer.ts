/** Our own side of presence: one start, one instance, and a fresh signed record for each relay whenever one is due. Must never sign for a relay it was not asked for. */
import type { Identity } from '../../core/identity.ts'
import type { PresenceMesh } from '../../core/presence-mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import { toBase64url } from '../../shared/bytes.ts'
import type { Clock } from '../../shared/clock.ts'
import { RECORD_LIFETIME } from './limits.ts'
import { cleanName, signRecord } from './record.ts'

export interface AnnouncerOptions {
  readonly name: string
  /** 'browser' | 'relay' | 'cli'. */
  readonly kind: string
  /** Random, one a start of the peer. Default: 16 random bytes. */
  readonly instance?: string
  /** Which start of this key this is; higher = newer. Default: counted in `records`, else the clock's seconds. */
  readonly start?: number
  readonly records?: RecordStore
}

export interface Announcer {
  readonly instance: string
  name(): string
  rename(name: string): void
  /** A new record for `relay`, newer than all before; for the lobby without a mesh. `rtt` = ms to the relay. */
  sign(relay: string, mesh: PresenceMesh | undefined, rtt?: number): Promise<string>
}

const START_KEY = 'presence.start'

export function createAnnouncer(options: AnnouncerOptions, identity: Identity, clock: Clock): Announcer {
  const instance = options.instance ?? toBase64url(crypto.getRandomValues(new Uint8Array(16)))
  let name = cleanName(options.name)
  let seq = 0
  let start: Promise<number> | undefined
  return {
    instance,
    name: () => name,
    rename(next) {
      name = cleanName(next)
    },
    async sign(relay, mesh, rtt) {
      start ??= nextStart(options, clock)
      const iat = Math.floor(clock.now() / 1000)
      const counted = { instance, start: await start, seq: seq++, iat, exp: iat + RECORD_LIFETIME }
      const from = { iss: identity.peer, aud: relay, ...counted, ...(rtt === undefined ? {} : { rtt: Math.round(rtt) }) }
      if (!mesh) return signRecord(identity, { ...from, mesh: 'lobby', name, kind: options.kind })
      const sealed = await mesh.seal({ name, kind: options.kind })
      return signRecord(identity, { ...from, mesh: mesh.id, name: '', kind: 'sealed', sealed })
    },
  }
}

/** At least the clock's seconds: a peer that lost its store but not its key is still newer than its former start. */
async function nextStart({ start, records }: AnnouncerOptions, clock: Clock): Promise<number> {
  if (start !== undefined) return start
  const now = Math.floor(clock.now() / 1000)
  const next = (old: unknown) => Math.max(typeof old === 'number' ? old + 1 : 0, now)
  return (await records?.update<number>('relay', START_KEY, next)) ?? now
}
