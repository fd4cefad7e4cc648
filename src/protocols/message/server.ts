/** Receiving half: reads messages until the sender half-closes; answers each once it is stored. The same for marks of what was read. */
import type { MessageInfo } from '../../core/mesh.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { sleep } from '../../shared/async.ts'
import { fromUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import type { History } from './history.ts'
import { MAX_BODY, MAX_HEADER } from './limits.ts'
import type { Pace } from './pace.ts'
import { decodeHeader, decodeReceipt, encodeReceipt, type Header } from './wire.ts'

/** Owns the stream. BAD_FRAME, FRAME_TOO_LARGE, UNKNOWN_VERSION reset it, and so does a store that fails: the sender tries again. */
export async function receive(stream: PeerStream, host: ProtocolHost, history: History, pace: Pace): Promise<void> {
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  const take = stream.protocol === PROTOCOL.read ? takeMark : takeMessage
  for (;;) {
    const frame = await reader.read(MAX_HEADER)
    if (!frame) break
    const id = await take(frame, reader, stream.peer, { host, history, pace })
    await writer.write(encodeReceipt(id))
  }
  await writer.close()
}

interface Place {
  readonly host: ProtocolHost
  readonly history: History
  readonly pace: Pace
}

type Reader = ReturnType<typeof createFrameReader>

async function takeMessage(frame: Uint8Array, reader: Reader, peer: string, { host, history, pace }: Place): Promise<string> {
  const header = decodeHeader(frame)
  const body = await reader.read(MAX_BODY)
  if (!body) throw new MeshError('BAD_FRAME', 'a header without a body')
  await wait(peer, host, pace)
  if (await history.receive(lineOf(header, body, peer, host.clock.now())))
    host.bus.emit('message', { id: header.id, peer, topic: header.topic, data: body.slice() })
  return header.id
}

function lineOf({ id, topic, as }: Header, body: Uint8Array, peer: string, at: number): Omit<MessageInfo, 'direction' | 'status'> {
  return { id, peer, topic, text: as === 't' ? fromUtf8(body) : undefined, size: body.byteLength, at }
}

async function takeMark(frame: Uint8Array, _: Reader, peer: string, { host, history, pace }: Place): Promise<string> {
  const id = decodeReceipt(frame)
  await wait(peer, host, pace)
  for (const line of await history.readByThem(peer, id)) host.bus.emit('messagechange', line)
  return id
}

async function wait(peer: string, { clock }: ProtocolHost, pace: Pace): Promise<void> {
  const ms = pace(peer)
  if (ms > 0) await sleep(clock, ms)
}
