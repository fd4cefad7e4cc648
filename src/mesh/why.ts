/** /dmesh/why/1.0.0: whoever was refused a stream may ask why, once the reset told nothing. Must say the code alone: labels of rows are the owner's own words, and inner failures name its files. */
import type { Connection, Stream } from '@libp2p/interface'
import { errorFromWire, type MeshError } from '../shared/errors.ts'
import { createFrameReader, decodeJson, encodeJsonFrame } from '../wire/frame.ts'
import { PROTOCOL } from '../wire/ids.ts'
import { MAX_DENIALS, MAX_WHY_FRAME, WHY_TIMEOUT } from './limits.ts'
import { toPeerStream } from './peer-stream.ts'

export interface Denials {
  add(peer: string, protocol: string, error: MeshError): void
  get(peer: string, protocol: string): MeshError | undefined
}

/** The newest refusals, bounded. */
export function createDenials(): Denials {
  const denials = new Map<string, MeshError>()
  const key = (peer: string, protocol: string) => `${peer} ${protocol}`
  return {
    add(peer, protocol, error) {
      denials.delete(key(peer, protocol))
      if (denials.size >= MAX_DENIALS) denials.delete(denials.keys().next().value as string)
      denials.set(key(peer, protocol), error)
    },
    get: (peer, protocol) => denials.get(key(peer, protocol)),
  }
}

/** The answering half. */
export async function answerWhy(raw: Stream, connection: Connection, denials: Denials): Promise<void> {
  const stream = toPeerStream(raw, { peer: connection.remotePeer.toString(), protocol: PROTOCOL.why, path: 'direct' })
  const reader = createFrameReader(stream.readable)
  const question = decodeJson((await reader.read(MAX_WHY_FRAME, AbortSignal.timeout(WHY_TIMEOUT))) ?? new Uint8Array())
  const { protocol } = (question ?? {}) as { protocol?: unknown }
  const denial = typeof protocol === 'string' ? denials.get(stream.peer, protocol) : undefined
  const writer = stream.writable.getWriter()
  await writer.write(encodeJsonFrame(denial ? { code: denial.code, message: `the other side refused with ${denial.code}` } : {}))
  await writer.close()
}

/** Ask a peer why it refused. Undefined when it does not say. */
export async function askWhy(connection: Connection, protocol: string): Promise<MeshError | undefined> {
  if (connection.status !== 'open') return undefined
  const signal = AbortSignal.timeout(WHY_TIMEOUT)
  const raw = await connection.newStream(PROTOCOL.why, { signal, runOnLimitedConnection: true })
  const stream = toPeerStream(raw, { peer: connection.remotePeer.toString(), protocol: PROTOCOL.why, path: 'direct' })
  const writer = stream.writable.getWriter()
  await writer.write(encodeJsonFrame({ protocol }))
  const frame = await createFrameReader(stream.readable).read(MAX_WHY_FRAME, signal)
  writer.close().catch(() => undefined)
  const answer = frame ? decodeJson(frame) : undefined
  return answer && typeof answer === 'object' && 'code' in answer ? errorFromWire(answer) : undefined
}
