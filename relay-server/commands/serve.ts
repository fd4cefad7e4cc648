/** `dmesh serve`: a folder for others of the mesh, until Ctrl-C. */
import { resolve } from 'node:path'
import { EXIT } from '../exit-codes.ts'
import type { RequestOf } from '../local-api/requests.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printable, printableLine } from './printable.ts'
import { findPeer, whenReachable } from './ready.ts'

export async function serve(call: CommandCall): Promise<number> {
  const { terminal, json, args, option, signal } = call
  const connected = await call.open()
  await whenReachable(connected)
  const { client, follow } = connected
  const name = option('name')
  const request = { path: resolve(args[0] ?? ''), ...(name === undefined ? {} : { name }), ...(await allowOf(call, connected)) }
  for await (const line of client.serve(request, signal)) {
    if (json) terminal.out(JSON.stringify(line))
    else if (line.type === 'serving') {
      terminal.out(line.url)
      terminal.note(`serving ${printableLine(request.path)}     Ctrl-C ends it`)
    } else {
      const who = follow.state().peers.find(({ id }) => id === line.peer)?.name ?? ''
      terminal.note(`${printable(who, line.peer)}: ${line.method} ${printableLine(line.path)} ${line.status}`)
    }
  }
  return EXIT.ok
}

async function allowOf({ option, terminal }: CommandCall, connected: Connected): Promise<Pick<RequestOf<'serve'>, 'allow'>> {
  const allow = option('allow')
  if (allow === undefined) return {}
  if (allow === 'mesh' || allow === 'members') return { allow }
  const peers: string[] = []
  for (const text of allow.split(',')) peers.push((await findPeer(connected, text, terminal.note)).peer)
  return { allow: peers }
}
