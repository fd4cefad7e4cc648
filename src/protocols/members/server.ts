/** Who is met: answers only whom certificates of the mesh lead to; whoever was removed is told so, with the signed list. */

import type { PeerStream } from '../../core/peer-stream.ts'
import type { MembersHooks } from '../../core/private-mesh.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader, type FrameReader } from '../../wire/frame.ts'
import { MAX_FIRST, MAX_FRAME, MEETING_TIMEOUT } from './limits.ts'
import { decodeFirst, decodeNext, encodeError, encodeMembers, type FirstFrame } from './wire.ts'

type Writer = WritableStreamDefaultWriter<Uint8Array>

export async function serveMember({ clock }: Pick<ProtocolHost, 'clock'>, hooks: MembersHooks, stream: PeerStream): Promise<void> {
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  await withDeadline(clock, MEETING_TIMEOUT, 'a meeting', undefined, async (signal) => {
    const bytes = await reader.read(MAX_FIRST, signal)
    if (!bytes) return
    const first = decodeFirst(bytes)
    if (first.t === 'have') await meet(hooks, stream.peer, first, reader, writer, signal)
    else await hearLeave(hooks, stream.peer, first, writer)
    await writer.close()
  })
}

async function meet(
  hooks: MembersHooks,
  peer: string,
  { mesh, chain, seq }: FirstFrame & { t: 'have' },
  reader: FrameReader,
  writer: Writer,
  signal: AbortSignal,
): Promise<void> {
  const { documents } = hooks.mine(mesh) ?? {}
  const standing = documents ? await hooks.standing(peer, mesh, chain) : 'stranger'
  if (!documents || standing === 'stranger') {
    await writer.write(encodeError(new MeshError('NOT_MEMBER', 'this mesh is not one of mine, or not one of yours')))
  } else if (standing === 'removed') {
    await writer.write(encodeError(new MeshError('NOT_MEMBER', 'an owner of this mesh removed you'), documents))
  } else if (documents.seq > seq) {
    await writer.write(encodeMembers({ t: 'documents', ...documents }))
  } else {
    await writer.write(encodeMembers({ t: 'have', seq: documents.seq }))
    const bytes = documents.seq < seq ? await reader.read(MAX_FRAME, signal) : undefined
    const frame = bytes && decodeNext(bytes)
    if (frame?.t === 'documents') await hooks.take(mesh, frame)
  }
}

async function hearLeave(hooks: MembersHooks, peer: string, { mesh, leave }: FirstFrame & { t: 'leave' }, writer: Writer): Promise<void> {
  const { documents } = hooks.mine(mesh) ?? {}
  if (!documents) return writer.write(encodeError(new MeshError('NOT_MEMBER', 'this mesh is not one of mine')))
  await hooks.left(mesh, { peer, leave })
  await writer.write(encodeMembers({ t: 'have', seq: documents.seq }))
}
