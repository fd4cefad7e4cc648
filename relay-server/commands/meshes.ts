/** `dmesh meshes` and `dmesh leave`: the private meshes of this peer. */
import type { MeshInfo } from '../../src/core/meshes.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { untilReachable } from '../peer/follow.ts'
import { findMesh } from './find-mesh.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printable, printableLine } from './printable.ts'

const READ_MS = 1_000 // for the meshes on the disk, after the start

export async function meshes(call: CommandCall): Promise<number> {
  const { terminal, json, args } = call
  const [verb, name, ...more] = args
  if (verb !== undefined && (verb !== 'create' || !name || more.length > 0)) throw new MeshError('BAD_ARGUMENT', 'Usage: dmesh meshes [create NAME]')
  const connected = await call.open()
  const { client, follow } = connected
  if (name) {
    // It lives at the relays of this moment.
    await untilReachable(follow)
    const id = await client.meshes.create(name)
    terminal.out(json ? JSON.stringify({ mesh: id, name }) : `${id}\nInvite somebody: dmesh invite --mesh ${id}`)
    return EXIT.ok
  }
  const list = await readMeshes(connected)
  if (json) terminal.out(JSON.stringify(list, undefined, 2))
  else if (list.length === 0) terminal.out('In no private mesh. Make one: dmesh meshes create NAME; or join one: dmesh join LINK')
  else for (const mesh of list) terminal.out(meshText(mesh))
  return EXIT.ok
}

export async function leave(call: CommandCall): Promise<number> {
  const connected = await call.open()
  await readMeshes(connected)
  const mesh = findMesh(connected.follow.state(), call.args[0])
  await connected.client.meshes.leave(mesh.id)
  call.terminal.out(call.json ? JSON.stringify({ mesh: mesh.id }) : `Left ${printable(mesh.name, mesh.id)}.`)
  return EXIT.ok
}

async function readMeshes({ client, follow }: Connected): Promise<readonly MeshInfo[]> {
  await follow.until((state) => state.meshes.length > 0, { ms: READ_MS, what: 'meshes' }).catch(() => undefined)
  return (await client.state()).meshes
}

function meshText({ id, name, role, status, waitingFor, problem, members }: MeshInfo): string {
  const state =
    status === 'waiting'
      ? `waiting for ${printable(waitingFor ?? '', 'the owner')}'s devices`
      : status === 'removed'
        ? 'an owner removed this peer'
        : role
  const why = problem ? `\n  ${printableLine(problem.message)}` : ''
  const lines = members.map((one) => `\n  ${one.peer}  ${printable(one.name)}  ${one.role}  ${one.here ? 'here' : 'away'}`)
  return `${printable(name, 'a mesh')}  ${id}  ${state}${why}${lines.join('')}`
}
