/** Receiving half: reads messages until the sender half-closes; answers each once it is stored. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { sleep } from '../../shared/async.ts'
import { fromUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import type { History } from './history.ts'
import { MAX_BODY, MAX_HEADER } from './limits.ts'
import type { Pace } from './pace.ts'
import { decodeHeader, encodeReceipt } from './wire.ts'

/** Owns the stream. BAD_FRAME, FRAME_TOO_LARGE, UNKNOWN_VERSION reset it. */
export async function receive(stream: PeerStream, host: ProtocolHost, history: History, pace: Pace): Promise<void> {
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  for (;;) {
    const frame = await reader.read(MAX_HEADER)
    if (!frame) break
    const header = decodeHeader(frame)
    const body = await reader.read(MAX_BODY)
    if (!body) throw new MeshError('BAD_FRAME', 'a header without a body')
    const wait = pace(stream.peer)
    if (wait > 0) await sleep(host.clock, wait)
    if (await history.firstTime(stream.peer, header.id)) {
      const data = body.slice()
      const text = header.as === 't' ? fromUtf8(body) : undefined
      const at = host.clock.now()
      await history.add({
        id: header.id,
        peer: stream.peer,
        direction: 'in',
        topic: header.topic,
        text,
        size: body.byteLength,
        status: 'delivered',
        at,
      })
      host.bus.emit('message', { id: header.id, peer: stream.peer, topic: header.topic, data })
    }
    await writer.write(encodeReceipt(header.id))
  }
  await writer.close()
}
