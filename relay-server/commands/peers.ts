/** `dmesh peers` and `dmesh map`: who is here, and how each is reached. */
import type { MeshState, PeerInfo } from '../../src/core/mesh.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandCall } from './peer-command.ts'
import { nameOf, printable } from './printable.ts'
import { withPeers } from './ready.ts'

export async function peers(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const list = (await withPeers(await call.open())).peers
  if (json) terminal.out(JSON.stringify(list, undefined, 2))
  else if (list.length === 0) terminal.out('Nobody is here.')
  else for (const peer of list) terminal.out(peerLine(peer))
  return EXIT.ok
}

export function peerLine({ id, name, path, transport, rtt }: PeerInfo): string {
  return [id, printable(name), path, transport ?? '', rtt === undefined ? '' : `${Math.round(rtt)} ms`].join('  ')
}

export async function map(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const state = await withPeers(await call.open())
  if (json) terminal.out(JSON.stringify(mapOf(state), undefined, 2))
  else terminal.out(drawMap(state))
  return EXIT.ok
}

interface Branch {
  readonly over: 'direct' | 'relay' | 'away'
  /** PeerID of the relay. */
  readonly relay?: string
  readonly name: string
  readonly rtt?: number
  readonly peers: readonly PeerInfo[]
}

/** Direct ones first, then by relay, then those who are away. */
export function mapOf({ peers: all, relays }: MeshState): readonly Branch[] {
  const relayed = all.filter(({ path }) => path === 'relayed')
  const hops = [...new Set([...relays.map(({ id }) => id), ...relayed.map(({ relay = '' }) => relay)])]
  const direct = all.filter(({ path }) => path === 'direct')
  const away = all.filter(({ path }) => path === 'away')
  return [
    ...(direct.length > 0 ? [{ over: 'direct', name: 'directly', peers: direct } as const] : []),
    ...hops.map((id): Branch => {
      const known = relays.find((relay) => relay.id === id)
      const rtt = known?.rtt === undefined ? {} : { rtt: known.rtt }
      return { over: 'relay', relay: id, name: known?.name ?? '', ...rtt, peers: relayed.filter(({ relay = '' }) => relay === id) }
    }),
    ...(away.length > 0 ? [{ over: 'away', name: 'away', peers: away } as const] : []),
  ]
}

function drawMap(state: MeshState): string {
  const branches = mapOf(state)
  const lines = [`${printable(state.name, 'this peer')} (this one)`]
  branches.forEach(({ over, relay, name, rtt, peers: list }, at) => {
    const [fork, bar] = at === branches.length - 1 ? ['└─', '   '] : ['├─', '│  ']
    lines.push(`${fork} ${over === 'relay' ? `by relay ${printable(name, relay)}${msText(rtt)}` : name}`)
    list.forEach((peer, n) => {
      lines.push(
        `${bar}${n === list.length - 1 ? '└─' : '├─'} ${nameOf(peer)}${peer.transport && over === 'direct' ? ` over ${peer.transport}` : ''}${msText(peer.rtt)}`,
      )
    })
  })
  if (branches.length === 0) lines.push('└─ nobody, and no relay')
  return lines.join('\n')
}

function msText(rtt: number | undefined): string {
  return rtt === undefined ? '' : `, ${Math.round(rtt)} ms`
}
