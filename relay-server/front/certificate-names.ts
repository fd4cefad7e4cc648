/** The names that a TLS certificate is for: whoever gives it to the relay says by it how the relay is called. Pure; wildcards name nobody in particular and are left out. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

/** Most names taken from one certificate; ours is asked for with each request. */
const MAX_NAMES = 64

/** Host names and IP addresses of its subjectAltName, lower case, in its order. None for what is no certificate. */
export function certificateNames(pem: string): readonly string[] {
  const entries = readAltNames(pem).split(', ')
  return entries
    .flatMap((entry) => {
      const [, kind, name = ''] = /^(DNS|IP Address):(.+)$/.exec(entry) ?? []
      if (kind === 'IP Address') return isIP(name) ? [name.toLowerCase()] : []
      return kind === 'DNS' && /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/i.test(name) ? [name.toLowerCase()] : []
    })
    .slice(0, MAX_NAMES)
}

function readAltNames(pem: string): string {
  try {
    return new X509Certificate(pem).subjectAltName ?? ''
  } catch {
    return ''
  }
}
