/** Questions to one relay, on one stream: dials it where it is said to be unless it is connected already. The handshake proves that it is the one that was meant; what it answers is checked by whoever asked. */
import { orderAddresses } from '../../core/address.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader, encodeFrame, type FrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { ASK_TIMEOUT, MAX_DIALS, MAX_MESSAGE } from './limits.ts'
import { decodeKad, encodeKad, type KadMessage, type KadPeer } from './wire.ts'

/** What asking needs of a mesh. */
export interface KadGround {
  open(peer: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<PeerStream>
  /** Dials a multiaddr that ends in /p2p/<peer>. */
  connect(address: string, options: { readonly signal: AbortSignal }): Promise<unknown>
  isConnected(peer: string): Promise<boolean>
  /** May an address that somebody told be dialled? */
  mayDial(address: string): boolean
  readonly clock: Clock
}

/** The answers, in order. TIMEOUT when one takes longer than ASK_TIMEOUT, PEER_UNREACHABLE, BAD_FRAME, and what the relay says no with. */
export type Ask = (to: KadPeer, questions: readonly KadMessage[], signal: AbortSignal) => Promise<readonly KadMessage[]>

export function createAsk(ground: KadGround): Ask {
  return async (to, questions, signal) => {
    const stream = await withDeadline(ground.clock, ASK_TIMEOUT, `reaching the relay ${to.id}`, signal, (own) => reach(ground, to, own))
    const reader = createFrameReader(stream.readable)
    const writer = stream.writable.getWriter()
    writer.closed.catch(() => undefined)
    const one = async (question: KadMessage, own: AbortSignal): Promise<KadMessage> => {
      await abortable(writer.write(encodeFrame(encodeKad(question))), own)
      const answer = await reader.read(MAX_MESSAGE, own)
      if (!answer) throw new MeshError('STREAM_RESET', 'the relay ended the stream')
      return decodeKad(answer)
    }
    try {
      const answers: KadMessage[] = []
      for (const question of questions) {
        answers.push(await withDeadline(ground.clock, ASK_TIMEOUT, `the answer of ${to.id}`, signal, (own) => one(question, own)))
      }
      void end(ground.clock, stream, writer, reader)
      return answers
    } catch (error) {
      stream.abort(error)
      throw error
    }
  }
}

/** The relay ends its side when it heard that ours is over; one that does not is cut. */
async function end(clock: Clock, stream: PeerStream, writer: WritableStreamDefaultWriter<Uint8Array>, reader: FrameReader): Promise<void> {
  const rest = async (signal: AbortSignal) => {
    await writer.close()
    return reader.read(MAX_MESSAGE, signal)
  }
  const more = await withDeadline(clock, ASK_TIMEOUT, 'the end', undefined, rest).catch(() => 'none')
  if (more) stream.abort(new MeshError('CLOSED', 'all is asked'))
}

async function reach(ground: KadGround, { id, addresses }: KadPeer, signal: AbortSignal): Promise<PeerStream> {
  if (!(await ground.isConnected(id))) await dial(ground, id, addresses, signal)
  return ground.open(id, PROTOCOL.kad, { signal })
}

async function dial(ground: KadGround, id: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
  let last: unknown = new MeshError('PEER_UNREACHABLE', `no address of the relay ${id} may be dialled`)
  for (const address of orderAddresses(addresses.filter(ground.mayDial)).slice(0, MAX_DIALS)) {
    try {
      await ground.connect(address.includes('/p2p/') ? address : `${address}/p2p/${id}`, { signal })
      return
    } catch (error) {
      signal.throwIfAborted()
      last = error
    }
  }
  throw last
}
