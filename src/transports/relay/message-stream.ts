/** Length-prefixed hop and stop messages at the start of a libp2p stream. Bytes that follow the last message stay in the stream. Must never read a message above MAX_MESSAGE. */
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { MeshError } from '../../shared/errors.ts'
import { MAX_MESSAGE } from './limits.ts'

export interface MessageStream {
  /** Next message. BAD_FRAME when it is too long or malformed, STREAM_RESET when the stream ended. */
  read(signal: AbortSignal): Promise<Uint8Array>
  write(message: Uint8Array, signal: AbortSignal): Promise<void>
  /** The raw stream, with whatever was read too far put back. Nothing else may be called afterwards. */
  unwrap(): Stream
}

/** The stream stays the caller's: nothing here closes it. */
export function createMessageStream(stream: Stream): MessageStream {
  const messages = lpStream(stream, { maxDataLength: MAX_MESSAGE, maxBufferSize: 4 * 1024 * 1024 })
  return {
    async read(signal) {
      try {
        return (await messages.read({ signal })).subarray()
      } catch (cause) {
        signal.throwIfAborted()
        const { name } = cause as Error
        const malformed = name === 'InvalidDataLengthError' || name === 'InvalidDataLengthLengthError' || name === 'InvalidMessageLengthError'
        throw new MeshError(malformed ? 'BAD_FRAME' : 'STREAM_RESET', `relay message: ${name}`, { cause })
      }
    },
    write: (message, signal) => messages.write(message, { signal }),
    unwrap: () => messages.unwrap(),
  }
}
