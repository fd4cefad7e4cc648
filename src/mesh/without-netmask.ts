/** Stands in for `netmask` in the browser build (vite.config.ts): @libp2p/utils asks it for nothing but whether an IPv4 range holds an address. Must never take for an address what is none. */

const BYTES = 4

/** An IPv4 address of four decimal numbers as one of 32 bits; NaN for anything else. */
function toNumber(address: string): number {
  const bytes = address.split('.').map((text) => (/^\d{1,3}$/.test(text) ? Number(text) : Number.NaN))
  return bytes.length === BYTES && bytes.every((byte) => byte < 256) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : Number.NaN
}

/** Called with `new`, as the package's class is. `range` is CIDR notation (RFC 4632 §3.1). */
export function Netmask(range: string): { contains(address: string): boolean } {
  const [network = '', length] = range.split('/')
  const size = 2 ** (32 - Number(length))
  const block = Math.floor(toNumber(network) / size)
  return { contains: (address) => Math.floor(toNumber(address) / size) === block }
}
