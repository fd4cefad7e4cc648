/** Which addresses that strangers told may be dialled: a relay somewhere must not make us knock at doors of our own computer or network. */
import { ipOfAddress } from '../../core/address.ts'
import { parseFour, parseSix } from '../../shared/ip-prefix.ts'

/** `origins` of the relays I chose myself: where one of them is on this computer or network, others may be as well. */
export function dialRule(origins: readonly string[]): (address: string) => boolean {
  const near = origins.some(isNear)
  return (address) => near || !isPrivateIp(ipOfAddress(address) ?? '')
}

function isNear(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host.endsWith('.localhost') || isPrivateIp(host)
}

/** Loopback, private, link-local, shared and unspecified addresses of both families; IPv4 inside IPv6 counts as what it is. Names are false. */
export function isPrivateIp(host: string): boolean {
  const four = parseFour(host)
  if (four) return isPrivateFour(four)
  const six = parseSix(withoutDots(host.toLowerCase().replace(/%.*$/, '')))
  if (!six) return false
  const [first = 0] = six
  const mapped = six.slice(0, 5).every((part) => part === 0) && (six[5] === 0xffff || six[5] === 0)
  const [high = 0, low = 0] = six.slice(6)
  if (mapped && (high > 0 || six[5] === 0xffff)) return isPrivateFour([high >> 8, high & 255, low >> 8, low & 255])
  return mapped || (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80
}

/** A dotted tail as two groups. */
function withoutDots(text: string): string {
  const tail = parseFour(/[^:]*$/.exec(text)?.[0] ?? '')
  if (!tail) return text
  const [a = 0, b = 0, c = 0, d = 0] = tail
  return text.replace(/[^:]*$/, `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)
}

function isPrivateFour([a = 0, b = 0]: readonly number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 172 && b >> 4 === 1) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >> 6 === 1)
  )
}
