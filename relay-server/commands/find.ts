/** `dmesh find`: at which relays a peer is that none of mine knows, and on demand a path to it. */
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { parseDuration } from './durations.ts'
import type { CommandCall } from './peer-command.ts'
import { printableLine } from './printable.ts'
import { whenReachable } from './ready.ts'

/** Characters of an address that are shown: the longest has two PeerIDs and a certificate hash. */
const MAX_LINE = 600

export async function find(call: CommandCall): Promise<number> {
  const { terminal, option, has, args, json, signal } = call
  const [peer = ''] = args
  const connected = await call.open()
  await whenReachable(connected, parseDuration(option('wait') ?? '30s', '--wait'))
  const places = await connected.client.find({ peer, connect: has('connect') }, signal)
  if (json) terminal.out(JSON.stringify(places))
  else
    for (const { relay, addresses } of places) for (const line of [`at the relay ${relay}`, ...addresses]) terminal.out(printableLine(line, MAX_LINE))
  if (places.length === 0) throw new MeshError('PEER_UNREACHABLE', `no relay that was asked knows where ${peer} is`)
  return EXIT.ok
}
