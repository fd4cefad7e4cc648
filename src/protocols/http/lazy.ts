/** HTTP behind a door that is light to load: its code comes with the first call. */
import type { HttpApi } from '../../core/http.ts'
import type { HttpGround } from '../../core/mesh.ts'
import { singleFlight } from '../../shared/async.ts'
import type { HttpParts } from './protocol.ts'

/** A failed load is tried again at the next call. */
export function createLazyHttp(parts: HttpParts): (ground: HttpGround) => HttpApi {
  return (ground) => {
    let api: HttpApi | undefined
    const load = singleFlight(async () => (api ??= (await import('./protocol.ts')).createHttp(ground, parts)))
    return {
      fetch: async (...args) => (api ?? (await load())).fetch(...args),
      serve: async (...args) => (api ?? (await load())).serve(...args),
    }
  }
}
