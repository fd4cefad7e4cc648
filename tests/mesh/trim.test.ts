/** Trimming among real connections: a stream that the other side opens buys its connection nothing; one that we opened, or said yes to, keeps it. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PeerStream } from '../../src/core/peer-stream.ts'
import type { Protocol, ProtocolHost } from '../../src/core/protocol.ts'
import { type Clock, systemClock } from '../../src/shared/clock.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { startTestMesh, type TestMesh } from '../support/test-mesh.ts'
import { waitUntil } from '../support/wait.ts'

const KEPT = '/x/kept/1.0.0'

/** Keeps each stream that it is brought, as a file transfer does once a person said yes. */
const keeping: Protocol = {
  ids: [KEPT],
  may: 'link.echo',
  start: (host: ProtocolHost) => ({
    service: undefined,
    async serve(stream: PeerStream) {
      host.keep(stream)
      await stream.readable.pipeTo(stream.writable)
    },
  }),
}

async function hears(stream: PeerStream): Promise<void> {
  await stream.writable.getWriter().write(Uint8Array.of(1))
  const { value } = await stream.readable.getReader().read()
  assert.deepEqual(value, Uint8Array.of(1))
}

it('an idle stream of an attacker does not save its connection; ours and one we keep do', async () => {
  let ahead = 0
  const clock: Clock = { ...systemClock(), now: () => Date.now() + ahead }
  const ids: string[] = []
  const here = () => ids
  const meshes: TestMesh[] = []
  const start = async (...args: Parameters<typeof startTestMesh>) => {
    const mesh = await startTestMesh(...args)
    meshes.push(mesh)
    ids.push(mesh.mesh.peer)
    return mesh
  }
  const b = await start(here, { clock, maxConnections: 4, more: [keeping] })
  try {
    const [mallory, ana, ben, late, later] = [await start(here), await start(here), await start(here), await start(here), await start(here)]
    for (const one of [mallory, ana, ben]) await one.mesh.connect(b.address)
    await hears(await mallory.mesh.open(b.mesh.peer, PROTOCOL.echo))
    await hears(await b.mesh.open(ana.mesh.peer, PROTOCOL.echo))
    await hears(await ben.mesh.open(b.mesh.peer, KEPT))
    ahead += 30_000
    await late.mesh.connect(b.address)
    await later.mesh.connect(b.address)
    const isLinked = ({ mesh }: TestMesh) => b.mesh.state.peers.some(({ id, path }) => id === mesh.peer && path !== 'away')
    await waitUntil(() => !isLinked(mallory), { what: 'the attacker to be trimmed' })
    assert.deepEqual([isLinked(ana), isLinked(ben)], [true, true])
  } finally {
    await Promise.all(meshes.map((mesh) => mesh.close()))
  }
})
