/** Conditional and range requests (RFC 9110 §13, §14) for one file: what of it has to be sent. Pure. Must never send a part of another version than was asked for. */

export interface Version {
  /** Entity tag with its quotes, strong. */
  readonly tag: string
  /** ms since 1970. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
}

/** `part`: first and last byte. */
export type Wanted = { readonly kind: 'whole' | 'unchanged' | 'beyond' } | { readonly kind: 'part'; readonly first: number; readonly last: number }

export function wantedOf(headers: Headers, version: Version): Wanted {
  if (isUnchanged(headers, version)) return { kind: 'unchanged' }
  const range = headers.get('range')
  if (range === null || !isSame(headers.get('if-range'), version)) return { kind: 'whole' }
  return rangeOf(range, version.size)
}

/** HTTP dates have seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}

function isUnchanged(headers: Headers, { tag, modified }: Version): boolean {
  const tags = headers.get('if-none-match')
  if (tags !== null) return tags.trim() === '*' || tags.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
  const since = Date.parse(headers.get('if-modified-since') ?? '')
  return !Number.isNaN(since) && seconds(modified) <= since
}

function isSame(condition: string | null, { tag, modified }: Version): boolean {
  if (condition === null) return true
  // Strong comparison (RFC 9110 §13.1.5): a weak tag is never the same.
  return condition.startsWith('"') ? condition === tag : Date.parse(condition) === seconds(modified)
}

/** One range; several are answered with the whole, as is what cannot be read (RFC 9110 §14.2). */
function rangeOf(text: string, size: number): Wanted {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text.replace(/\s/g, '')) ?? []
  if (from === '' && to === '') return { kind: 'whole' }
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length === 0 ? { kind: 'beyond' } : { kind: 'part', first: size - length, last: size - 1 }
  }
  const [first, last] = [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)]
  if (to !== '' && Number(to) < first) return { kind: 'whole' }
  return first >= size ? { kind: 'beyond' } : { kind: 'part', first, last }
}
