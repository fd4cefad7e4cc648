/** `dmesh relays`: where this peer holds places. */
import type { RelayInfo } from '../../src/core/mesh.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandCall } from './peer-command.ts'
import { printable, printableLine } from './printable.ts'

const SETTLE_MS = 5_000 // for those that are being connected

export async function relays(call: CommandCall): Promise<number> {
  const { terminal, json, args } = call
  const [verb, origin, ...more] = args
  if (verb !== undefined && ((verb !== 'add' && verb !== 'remove') || !origin || more.length > 0))
    throw new MeshError('BAD_ARGUMENT', 'Usage: dmesh relays [add|remove ORIGIN], e.g. dmesh relays add https://relay.example')
  const { client, follow } = await call.open()
  if (verb !== undefined && origin) await client.relays[verb as 'add' | 'remove'](origin)
  const settled = (list: readonly RelayInfo[]) => list.length > 0 && list.every(({ status }) => status !== 'connecting')
  if (verb !== 'remove') await follow.until((state) => settled(state.relays), { ms: SETTLE_MS, what: 'the relays' }).catch(() => undefined)
  const list = (await client.state()).relays
  if (json) terminal.out(JSON.stringify(list, undefined, 2))
  else if (list.length === 0) terminal.out('No relay. Give it one: dmesh join https://relay.example')
  else for (const relay of list) terminal.out(relayLine(relay))
  return EXIT.ok
}

export function relayLine({ name, origin, status, rtt, preferred, problem }: RelayInfo): string {
  const parts = [origin ?? printable(name), status, rtt === undefined ? '' : `${Math.round(rtt)} ms`, preferred ? 'preferred' : '']
  return `${parts.filter((part) => part !== '').join('  ')}${problem && status !== 'reserved' ? `\n  ${printableLine(problem.message)}` : ''}`
}
