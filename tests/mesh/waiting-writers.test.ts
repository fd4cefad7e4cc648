/** Writers that wait for a slow WebSocket must not come out of it in one message that the other side refuses: it would end every stream of the connection. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startTwo } from '../support/test-mesh.ts'

const STREAMS = 8
const MIB = 1024 * 1024

it('what several streams queued behind a full socket arrives', { timeout: 60_000 }, async () => {
  const two = await startTwo()
  try {
    const sizes: number[] = []
    await two.b.mesh.handle('/x/sink/1.0.0', async (stream) => {
      let size = 0
      for await (const chunk of stream.readable) size += chunk.byteLength
      sizes.push(size)
      await stream.writable.close()
    })
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => two.a.mesh.open(two.b.mesh.peer, '/x/sink/1.0.0')))
    await Promise.all(
      streams.map(async ({ writable, readable }) => {
        const writer = writable.getWriter()
        await writer.write(new Uint8Array(2 * MIB))
        await writer.close()
        assert.equal((await new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()).byteLength, 0)
      }),
    )
    assert.deepEqual(sizes, Array(STREAMS).fill(2 * MIB))
  } finally {
    await two.close()
  }
})
