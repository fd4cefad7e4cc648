/** `dmesh invite`: a link into a private mesh, and a code to scan. The link is the result on standard output; everything about it goes to standard error. */
import type { InviteInfo, MemberRole } from '../../src/core/meshes.ts'
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { untilReachable } from '../peer/follow.ts'
import { parseCount, parseDuration } from './durations.ts'
import { findMesh } from './find-mesh.ts'
import type { CommandCall } from './peer-command.ts'
import { printable } from './printable.ts'
import { qrText } from './qr-text.ts'

const MAX_USES = 100 // as the mesh allows
const LOOK_MS = 500 // between two looks whether somebody joined

export async function invite(call: CommandCall): Promise<number> {
  const { terminal, json, option, has, signal } = call
  const wait = parseDuration(option('wait') ?? '0', '--wait')
  const uses = parseCount(option('uses') ?? '1', '--uses', MAX_USES)
  const until = Date.now() + parseDuration(option('expiry') ?? '7d', '--expiry')
  const role = roleOf(option('role'))
  const { client, follow } = await call.open()
  await untilReachable(follow)
  const mesh = findMesh(await withMeshes(call), option('mesh'))
  const label = option('label')
  const made = await client.meshes.invite(mesh.id, { uses, until, role, ...(label ? { label } : {}) })
  if (json) terminal.out(JSON.stringify(made))
  else {
    if (has('qr')) terminal.out(qrText(made.link, terminal.isScreen.out))
    terminal.out(made.link)
    terminal.note(
      `For ${uses === 1 ? 'one person' : `${uses} people`} into ${printable(mesh.name)} as ${role}, until ${new Date(made.until).toISOString().slice(0, 16).replace('T', ' ')} UTC. ` +
        'Whoever has it can join. They are let in while a device of an owner is online, e.g. this one: dmesh up',
    )
  }
  return wait > 0 ? waitForGuests(call, made, wait, signal) : EXIT.ok
}

/** Private meshes are read from the disk in the moments after the start. */
async function withMeshes({ open }: CommandCall) {
  const { follow } = await open()
  await follow.until(({ meshes }) => meshes.length > 0, { ms: 2_000, what: 'a mesh' }).catch(() => undefined)
  return follow.state()
}

async function waitForGuests(call: CommandCall, { id, mesh, uses }: InviteInfo, wait: number, signal: AbortSignal): Promise<number> {
  const { client } = await call.open()
  const clock = systemClock()
  const end = clock.monotonic() + wait
  for (let seen = 0; ; ) {
    const used = (await client.meshes.invites(mesh)).find((one) => one.id === id)?.used ?? uses
    if (used > seen && !call.json) call.terminal.note(`${used} of ${uses} joined`)
    seen = used
    if (used >= uses) return EXIT.ok
    if (clock.monotonic() > end) throw new MeshError('TIMEOUT', `${used} of ${uses} joined in the time of --wait; the invite lives on`)
    await sleep(clock, LOOK_MS, signal)
  }
}

function roleOf(text = 'member'): MemberRole {
  if (text !== 'owner' && text !== 'member' && text !== 'guest')
    throw new MeshError('BAD_ARGUMENT', `--role is "${text}"; write owner, member or guest`)
  return text
}
