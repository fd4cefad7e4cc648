/** The writing half of one stream on the relay: a bounded queue, so that a slow reader holds up nobody and is cut when it stays slow. */
import type { PeerStream } from '../../core/peer-stream.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_QUEUE } from './limits.ts'

export interface Sender {
  /** Queue one encoded frame; cuts the stream with LIMIT_REACHED when the queue is full. Never waits. The frame is the stream's from now on. */
  push(frame: Uint8Array): void
  /** The same, and waits until it left; it fails silently with the stream. */
  send(frame: Uint8Array): Promise<void>
  /** Half-close after the queue. Never rejects. */
  finish(): Promise<void>
}

/** Takes the writable side; closing or aborting the stream stays the caller's. */
export function createSender(stream: PeerStream): Sender {
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  let queued = 0
  let dead = false
  let tail = Promise.resolve()
  const die = (error: unknown) => {
    dead = true
    stream.abort(error)
  }
  const push = (frame: Uint8Array) => {
    if (dead) return
    const size = frame.byteLength
    queued += size
    if (queued > MAX_QUEUE) return die(new MeshError('LIMIT_REACHED', `${queued} bytes wait for a slow reader`))
    tail = tail
      .then(async () => {
        if (dead) return
        await writer.write(frame)
        queued -= size
      })
      .catch(die)
  }
  return {
    push,
    async send(frame) {
      push(frame)
      await tail
    },
    async finish() {
      await tail
      if (!dead) await writer.close().catch(die)
    },
  }
}
