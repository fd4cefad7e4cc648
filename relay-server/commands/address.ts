/** `dmesh address`: one address as multiaddr and as URL (docs/addresses.md). Needs no relay and asks nobody. */
import { parseArgs } from 'node:util'
import { peerOfAddress } from '../../src/core/address.ts'
import { formatAddress, parseAddress } from '../../src/core/address-parts.ts'
import { type PeerUrl, peerUrlOf, readPeerUrl } from '../../src/core/address-url.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** The exit code. BAD_ARGUMENT for what is no address. */
export function address(args: readonly string[], { out }: Terminal): number {
  const { text, proto, json } = parse(args)
  const given: PeerUrl = text.startsWith('/') ? { address: formatAddress(parseAddress(text)) } : readPeerUrl(text)
  const protocol = proto ?? given.protocol
  const answer = { address: given.address, url: peerUrlOf(given.address, protocol), peer: peerOfAddress(given.address), protocol }
  if (json) out(JSON.stringify(answer, undefined, 2))
  else for (const [key, value] of Object.entries(answer)) if (value) out(`${key.padEnd(9)} ${value}`)
  return EXIT.ok
}

function parse(args: readonly string[]): { readonly text: string; readonly proto: string | undefined; readonly json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, proto: { type: 'string' } },
      allowPositionals: true,
    })
    const [text, ...more] = positionals
    if (text && more.length === 0) return { text, proto: values.proto, json: values.json ?? false }
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `${(error as Error).message.split('. To ')[0]}. See: dmesh --help`, { cause: error })
  }
  throw new MeshError('BAD_ARGUMENT', 'address needs one address, e.g. dmesh address dmesh+wss://home.example')
}
