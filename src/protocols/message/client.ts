/** Sending half: one stream carries every waiting message of a peer, each acknowledged before the next; another tells up to where I read. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import type { History } from './history.ts'
import { MAX_HEADER, RECEIPT_TIMEOUT } from './limits.ts'
import type { Entry } from './queue.ts'
import { decodeReceipt, encodeMessage, encodeReceipt, VERSION } from './wire.ts'

/** Deliver until `next` has nothing more. Closes its stream. PEER_UNREACHABLE, ACCESS_DENIED, TIMEOUT, BAD_FRAME, PATH_LOST. */
export async function deliver(
  host: ProtocolHost,
  peer: string,
  next: () => ReturnType<History['next']>,
  done: (entry: Entry) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stream = await host.open(peer, PROTOCOL.message, { signal })
  await talk(stream, async (ask) => {
    for (let message = await next(); message; message = await next()) {
      const { id, topic, at, body, isText, entry } = message
      await ask(host, encodeMessage({ v: VERSION, id, topic, at, as: isText ? 't' : 'b' }, body), id, signal)
      await done(entry)
    }
  })
}

/** Say up to which of their messages I read. The same codes. */
export async function tellRead(host: ProtocolHost, peer: string, id: string, signal: AbortSignal): Promise<void> {
  const stream = await host.open(peer, PROTOCOL.read, { signal })
  await talk(stream, (ask) => ask(host, [encodeReceipt(id)], id, signal))
}

/** Sends frames and waits for the answer that names `id`. */
type Ask = (host: ProtocolHost, frames: readonly Uint8Array[], id: string, signal: AbortSignal) => Promise<void>

async function talk(stream: PeerStream, run: (ask: Ask) => Promise<void>): Promise<void> {
  try {
    const writer = stream.writable.getWriter()
    const reader = createFrameReader(stream.readable)
    await run(async (host, frames, id, signal) => {
      const receipt = await withDeadline(host.clock, RECEIPT_TIMEOUT, 'the receipt', signal, async (own) => {
        for (const frame of frames) await writer.write(frame)
        return reader.read(MAX_HEADER, own)
      })
      if (!receipt) throw new MeshError('PATH_LOST', 'the stream ended before the receipt')
      if (decodeReceipt(receipt) !== id) throw new MeshError('BAD_FRAME', 'the receipt names another message')
    })
    await writer.close()
  } catch (error) {
    stream.abort(error)
    throw error
  }
}
