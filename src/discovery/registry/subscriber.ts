/** One reader of a roster on the relay: a bounded queue and one writing loop, so that a slow reader holds up nobody and is cut when it stays slow. */
import type { PeerStream } from '../../core/peer-stream.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_QUEUE } from './limits.ts'

export interface Subscriber {
  /** Queue one encoded frame; cuts the stream with LIMIT_REACHED when the queue is full. Never waits. */
  push(frame: Uint8Array): void
  /** Half-close after the queue. Never rejects. */
  finish(): Promise<void>
}

/** Takes the writable side; closing or aborting the stream stays the caller's. */
export function createSubscriber(stream: PeerStream): Subscriber {
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  let queued = 0
  let dead = false
  let tail = Promise.resolve()
  const die = (error: unknown) => {
    dead = true
    stream.abort(error)
  }

  return {
    push(frame) {
      if (dead) return
      queued += frame.byteLength
      if (queued > MAX_QUEUE) {
        die(new MeshError('LIMIT_REACHED', `${queued} bytes wait for a slow reader`))
        return
      }
      tail = tail.then(async () => {
        if (dead) return
        // A chunk is the stream's until it is written, and one frame goes to many.
        await writer.write(frame.slice())
        queued -= frame.byteLength
      })
      tail = tail.catch(die)
    },
    async finish() {
      await tail
      if (!dead) await writer.close().catch(die)
    },
  }
}
