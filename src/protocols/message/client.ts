/** Sending half: one stream carries every waiting message of a peer, each acknowledged before the next. */
import type { ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import type { Waiting } from './history.ts'
import { MAX_HEADER, RECEIPT_TIMEOUT } from './limits.ts'
import { decodeReceipt, encodeMessage, VERSION } from './wire.ts'

/** Deliver until `next` has nothing more. Closes its stream. PEER_UNREACHABLE, ACCESS_DENIED, TIMEOUT, BAD_FRAME, PATH_LOST. */
export async function deliver(
  host: ProtocolHost,
  peer: string,
  next: () => Waiting | undefined,
  done: (message: Waiting) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stream = await host.open(peer, PROTOCOL.message, { signal })
  try {
    const writer = stream.writable.getWriter()
    const reader = createFrameReader(stream.readable)
    for (let message = next(); message; message = next()) {
      const { id, topic, at, body, isText } = message
      const sent = encodeMessage({ v: VERSION, id, topic, at, as: isText ? 't' : 'b' }, body)
      const receipt = await withDeadline(host.clock, RECEIPT_TIMEOUT, 'the receipt', signal, async (own) => {
        for (const frame of sent) await writer.write(frame)
        return reader.read(MAX_HEADER, own)
      })
      if (!receipt) throw new MeshError('PATH_LOST', 'the stream ended before the receipt')
      if (decodeReceipt(receipt) !== id) throw new MeshError('BAD_FRAME', 'the receipt names another message')
      await done(message)
    }
    await writer.close()
  } catch (error) {
    stream.abort(error)
    throw error
  }
}
