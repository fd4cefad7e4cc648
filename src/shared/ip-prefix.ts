/** IP address to the prefix that quotas are counted by: /24 for IPv4, /64 for IPv6, IPv4-mapped addresses as IPv4. Pure. */

/** Bucket of everything that is not an IP address (Unix sockets, memory). */
export const NO_PREFIX = 'none'

/** E.g. `192.0.2.0/24`, `2001:db8:0:1::/64`. */
export function prefixOf(address: string | undefined): string {
  const text = (address ?? '').replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const four = parseFour(mapped?.[1] ?? text)
  if (four) return `${four.slice(0, 3).join('.')}.0/24`
  const six = parseSix(text)
  return six
    ? `${six
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : NO_PREFIX
}

/** The four bytes of a dotted quad; undefined for anything else. Leading zeros are read as decimal. */
export function parseFour(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined
  return parts.map(Number)
}

/** The eight groups of lower-case IPv6 without zone or dotted tail; undefined for anything else. */
export function parseSix(text: string): number[] | undefined {
  const halves = text.split('::')
  if (!text.includes(':') || halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const [head = [], tail = []] = groups
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail]
  return all.every((part) => /^[0-9a-f]{1,4}$/.test(part)) ? all.map((part) => Number.parseInt(part, 16)) : undefined
}
