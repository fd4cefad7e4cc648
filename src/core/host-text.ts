/** Hosts of addresses in one spelling each: IPv4, IPv6 (RFC 5952), names (RFC 1123, and the underscore of service names). Pure; must ask no resolver. */
import { parseFour, parseSix } from '../shared/ip-prefix.ts'

/** Undefined when it is no dotted quad without leading zeros: those are octal to some and decimal to others. */
export function ipv4Text(text: string): string | undefined {
  const parts = parseFour(text)
  return parts?.join('.') === text ? text : undefined
}

/** Lower case, no leading zeros, the longest run of zero groups (of two or more, the first of equals) as `::`. Undefined for zones and dotted tails. */
export function ipv6Text(text: string): string | undefined {
  const groups = parseSix(text.toLowerCase())
  if (!groups) return undefined
  const [start, length] = longestZeros(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0]
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best[1]) best = [start, end - start]
  }
  return best
}

/** Lower case, ASCII (others as xn--). Undefined for what is no name, and for what a browser would take for an IPv4 address. */
export function hostName(text: string): string | undefined {
  const name = text.toLowerCase()
  const labels = name.split('.')
  if (name.length > 253 || !labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))) return undefined
  return /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? undefined : name
}
