/** Our relay as a process that prints its origin, with two handlers for B3: one takes bytes, one gives them until the other side ends the stream. Answers 'received' with the bytes it took and 'held' with the memory it holds. */
import type { PeerStream } from '../../src/core/peer-stream.ts'
import { startTestRelay } from '../../tests/support/test-relay.ts'
import { heldBytes } from './memory.ts'

const CHUNK = new Uint8Array(64 * 1024)
let received = 0

async function take({ readable }: PeerStream): Promise<void> {
  for await (const chunk of readable) received += chunk.byteLength
}

async function give({ writable }: PeerStream): Promise<void> {
  const writer = writable.getWriter()
  for (;;) await writer.write(CHUNK)
}

const relay = await startTestRelay({ sink: () => undefined })
// The stream ends by a reset: how it ended is not what is measured.
await relay.mesh.handle('/x/sink/1.0.0', (stream) => take(stream).catch(() => undefined))
await relay.mesh.handle('/x/source/1.0.0', (stream) => give(stream).catch(() => undefined))
process.on('message', (name) => process.send?.(name === 'held' ? heldBytes() : received))
process.on('disconnect', () => void relay.end().finally(() => process.exit(0)))
process.stdout.write(`http://127.0.0.1:${relay.port}\n`)
