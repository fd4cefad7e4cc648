/** `dmesh name`: what this peer calls itself, and my own names for others, which alone may be typed in place of a PeerID outside private meshes. */

import { canonicalPeer } from '../../src/identity/names.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandCall } from './peer-command.ts'
import { printable } from './printable.ts'

export async function rename(call: CommandCall): Promise<number> {
  const { terminal, json, args } = call
  const { client, follow } = await call.open()
  if (args.length === 0) {
    const { name } = follow.state()
    terminal.out(json ? JSON.stringify({ name }) : printable(name))
    return EXIT.ok
  }
  const [first = '', second] = args
  if (second === undefined) await client.rename(first)
  else {
    const peer = canonicalPeer(first)
    if (!peer) throw new MeshError('BAD_ARGUMENT', 'name needs the PeerID that the name is for; see: dmesh peers')
    await client.rename(second, peer)
  }
  if (json) terminal.out(JSON.stringify(second === undefined ? { name: first } : { peer: first, name: second }))
  return EXIT.ok
}
