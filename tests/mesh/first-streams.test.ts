/** The very first stream after two peers met works: both open at once, over and over, while links come up from both sides. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const JOINS = Number(process.env.FIRST_STREAM_JOINS ?? 30)

let relay: Awaited<ReturnType<typeof startTestRelay>>
before(async () => {
  relay = await startTestRelay()
})
after(() => relay?.end())

it(`${JOINS} times two peers join, and what each sends first arrives`, async () => {
  for (let round = 0; round < JOINS; round++) {
    const [a, b] = await Promise.all(['Ana', 'Ben'].map((name) => startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name })))
    if (!a || !b) throw new Error('no peers')
    try {
      const heard: string[] = []
      for (const { mesh } of [a, b]) mesh.addEventListener('message', ({ detail }) => heard.push(new TextDecoder().decode(detail.data)))
      const first = async (from: Mesh, to: Mesh) => {
        await waitUntil(() => from.peers.some(({ id, path }) => id === to.peer && path !== 'away'), { ms: 5_000, what: 'the other' })
        const [back] = await Promise.all([echo(from, to.peer, `round ${round}`), from.send(to.peer, 'chat', `to ${to.peer}`)])
        assert.equal(back, `round ${round}`)
      }
      await Promise.all([first(a.mesh, b.mesh), first(b.mesh, a.mesh)])
      await waitUntil(() => heard.length === 2, { ms: 5_000, what: `both messages in round ${round}` })
    } finally {
      await Promise.all([a.close(), b.close()])
    }
  }
})

async function echo(mesh: Mesh, peer: string, text: string): Promise<string> {
  const stream = await mesh.open(peer, PROTOCOL.echo)
  const writer = stream.writable.getWriter()
  await writer.write(new TextEncoder().encode(text))
  await writer.close()
  const back = await new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text()
  await stream.closed
  return back
}
