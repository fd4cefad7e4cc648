/** Who opens a meeting: shows its certificates and what it has, takes what is newer there, gives what is newer here. */
import type { MembersHooks, MembersService } from '../../core/private-mesh.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { errorFromWire, MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { MAX_FRAME, MEETING_TIMEOUT } from './limits.ts'
import { decodeNext, encodeMembers, type FirstFrame, type NextFrame, VERSION } from './wire.ts'

type Host = Pick<ProtocolHost, 'open' | 'clock'>

export function createMembersClient(host: Host, hooks: MembersHooks): MembersService {
  return {
    meet: (peer, mesh, signal) =>
      withDeadline(host.clock, MEETING_TIMEOUT, 'a member', signal, async (own) => {
        const mine = hooks.mine(mesh)
        if (!mine) throw new MeshError('NOT_MEMBER', 'this mesh is not one of mine')
        const first: FirstFrame = { t: 'have', v: VERSION, mesh, chain: [...mine.chain], seq: mine.documents.seq }
        await talk(host, peer, first, own, async (frame, write) => {
          if (frame.t === 'error') {
            if (frame.newest) await hooks.removed(mesh, frame.newest)
            throw errorFromWire(frame)
          }
          if (frame.t === 'documents') return hooks.take(mesh, frame)
          if (frame.seq < mine.documents.seq) await write({ t: 'documents', ...mine.documents })
        })
      }),
    leave: (peer, mesh, leave, signal) =>
      withDeadline(host.clock, MEETING_TIMEOUT, 'a member', signal, (own) =>
        talk(host, peer, { t: 'leave', v: VERSION, mesh, leave }, own, async (frame) => {
          if (frame.t === 'error') throw errorFromWire(frame)
        }),
      ),
  }
}

/** One frame there, one back, then what `answered` writes. */
async function talk(
  host: Host,
  peer: string,
  first: FirstFrame,
  signal: AbortSignal,
  answered: (frame: NextFrame, write: (frame: NextFrame) => Promise<void>) => Promise<void>,
): Promise<void> {
  const stream = await host.open(peer, PROTOCOL.members, { signal })
  const stop = () => stream.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const writer = stream.writable.getWriter()
    writer.closed.catch(() => undefined)
    const reader = createFrameReader(stream.readable)
    await writer.write(encodeMembers(first))
    const bytes = await reader.read(MAX_FRAME, signal)
    if (!bytes) throw new MeshError('PATH_LOST', 'the member said nothing')
    await answered(decodeNext(bytes), (frame) => writer.write(encodeMembers(frame)))
    await writer.close()
    // Until the other side has read to the end: what it did not read did not arrive.
    await reader.read(0, signal)
  } catch (error) {
    stream.abort(error)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
