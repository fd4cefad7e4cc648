/** Stands in for `@multiformats/dns` in the browser build (vite.config.ts): that package asks public DNS-over-HTTPS servers, and a mesh must contact nobody it was not told of. Must never resolve anything. */
import { MeshError } from '../shared/errors.ts'

/** The numbers of RFC 1035 and RFC 3596 that the caller names. */
export const RecordType = { A: 1, CNAME: 5, TXT: 16, AAAA: 28 } as const

export function dns(): { query(name: string): never } {
  return {
    query(name) {
      throw new MeshError('NOT_SUPPORTED', `${name}: browsers do not resolve dnsaddr here`)
    },
  }
}
