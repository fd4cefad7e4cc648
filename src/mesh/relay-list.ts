/** The relays that a person or an invite added, beside those the mesh started with: kept in the records, taken up again at the next start. Must never make a relay of what is no origin. */
import type { RelaysApi } from '../core/mesh.ts'
import type { RecordStore } from '../core/stores.ts'
import { MeshError } from '../shared/errors.ts'
import { MAX_RELAYS } from './limits.ts'
import type { RelaySet } from './relay-set.ts'

export interface RelayListParts {
  readonly records: RecordStore
  readonly relays: RelaySet
  /** Keep a place at the relay of this origin from now on. */
  readonly keep: (origin: string) => void
  readonly changed: () => void
}

const PREFIX = 'origin:' // in the collection 'relay'

/** Takes up what was kept. STORAGE_FAILED. */
export async function openRelayList({ records, relays, keep, changed }: RelayListParts): Promise<RelaysApi> {
  const has = (origin: string) => relays.keepers().some((keeper) => keeper.origin === origin)
  const own = new Set(relays.keepers().map((keeper) => keeper.origin))
  const take = (origin: string) => {
    if (has(origin)) return
    if (relays.keepers().length >= MAX_RELAYS) throw new MeshError('LIMIT_REACHED', `${MAX_RELAYS} relays are in use already`)
    keep(origin)
    changed()
  }
  const kept = await records.list<number>('relay', { prefix: PREFIX, limit: MAX_RELAYS })
  for (const [key] of kept) if (relays.keepers().length < MAX_RELAYS) take(key.slice(PREFIX.length))
  return {
    async add(text) {
      const origin = originOf(text)
      take(origin)
      if (!own.has(origin)) await records.put('relay', `${PREFIX}${origin}`, 1)
    },
    async remove(text) {
      const origin = originOf(text)
      if (own.has(origin)) throw new MeshError('BAD_ARGUMENT', `${origin} is the relay of this page itself; it stays`)
      await records.delete('relay', `${PREFIX}${origin}`)
      if (!relays.drop(origin)) throw new MeshError('BAD_ARGUMENT', `${origin} is no relay in use`)
      changed()
    },
  }
}

/** `https://home.example` of what a person types: a path or a slash at its end is left out. BAD_ARGUMENT. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new MeshError('BAD_ARGUMENT', `not the address of a relay: ${text.slice(0, 100)}`)
  return url.origin
}
