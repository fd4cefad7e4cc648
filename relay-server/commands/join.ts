/** `dmesh join`: by an invite link into a private mesh, or by the address of a relay's page into its lobby. Must never print the link: whoever has it can join. */
import { text as readAll } from 'node:stream/consumers'
import type { SiteConfig } from '../../src/core/site-config.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { terminalRelaySource } from '../peer/relay-origin.ts'
import { parseDuration } from './durations.ts'
import type { CommandCall } from './peer-command.ts'
import { printable, printableLine } from './printable.ts'

const SITE_MS = 15_000 // for dmesh.json of a relay

export async function join(call: CommandCall): Promise<number> {
  const [given = ''] = call.args
  const link = (given === '-' ? await readAll(call.terminal.input) : given).trim()
  const wait = parseDuration(call.option('wait') ?? '60s', '--wait')
  return link.includes('#join=') ? joinMesh(call, link, wait) : joinLobby(call, originOf(link), wait)
}

async function joinMesh(call: CommandCall, link: string, wait: number): Promise<number> {
  const { terminal, json, signal } = call
  const { client, follow } = await call.open()
  const look = await client.meshes.look(link)
  const name = printable(look.meshName ?? '', 'a mesh')
  terminal.progress(`Joining ${name}, invited by ${printable(look.from, 'somebody')} …`)
  const id = await client.meshes.join(link, { signal })
  const mesh = await follow
    .until((state) => state.meshes.find((one) => one.id === id && (one.status === 'joined' || one.problem)), { ms: wait, what: 'the owner' })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'TIMEOUT') throw error
      throw new MeshError(
        'TIMEOUT',
        `The invite to ${name} is counted, and now one of ${printable(look.from, 'the owner')}'s devices has to come online. It goes on by itself whenever this peer runs: dmesh up`,
      )
    })
  if (mesh.problem) throw new MeshError(codeOf(mesh.problem), printableLine(mesh.problem.message))
  if (json) terminal.out(JSON.stringify({ mesh: id, name: mesh.name, role: mesh.role, members: mesh.members }))
  else
    terminal.out(
      `In ${printable(mesh.name, 'the mesh')} as ${mesh.role}, with ${mesh.members.length - 1} other${mesh.members.length === 2 ? '' : 's'}. See: dmesh meshes`,
    )
  return EXIT.ok
}

async function joinLobby(call: CommandCall, origin: string, wait: number): Promise<number> {
  const { terminal, json, signal } = call
  const site = await readSite(origin, signal)
  if (!site.lobby)
    throw new MeshError(
      'ACCESS_DENIED',
      `The relay at ${origin} keeps its lobby closed. Ask somebody there for an invite link, then: dmesh join LINK`,
    )
  const { client, follow } = await call.open()
  const known = follow.state().relays.some((relay) => relay.origin === origin)
  await client.relays.add(origin)
  const relay = await follow
    .until((state) => state.relays.find((one) => one.origin === origin && one.status !== 'connecting'), {
      ms: wait,
      what: origin,
      code: 'RELAY_UNREACHABLE',
    })
    .catch(async (error: unknown) => {
      if (!known) await client.relays.remove(origin).catch(() => undefined)
      throw error
    })
  if (relay.status !== 'reserved') {
    if (!known) await client.relays.remove(origin)
    throw new MeshError(
      codeOf(relay.problem) === 'INTERNAL' ? 'RELAY_UNREACHABLE' : codeOf(relay.problem),
      `${origin} gives no place: ${printableLine(relay.problem?.message ?? relay.status)}`,
    )
  }
  const name = printable(site.name, new URL(origin).host)
  if (json) terminal.out(JSON.stringify({ relay: relay.id, origin, name: site.name, lobby: true }))
  else terminal.out(`In the lobby of ${name}, where names are public and prove nothing. Who is here: dmesh peers`)
  return EXIT.ok
}

async function readSite(origin: string, signal: AbortSignal): Promise<SiteConfig> {
  let site: SiteConfig | undefined
  await terminalRelaySource(origin, (found) => {
    site = found
  }).resolve(AbortSignal.any([signal, AbortSignal.timeout(SITE_MS)]))
  return site as SiteConfig
}

/** BAD_ARGUMENT for what is neither a link nor an address. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new MeshError(
      'BAD_ARGUMENT',
      'LINK is neither an invite (https://…/#join=…) nor the address of a relay (https://relay.example). Copy the whole of it.',
    )
  return url.origin
}
