/** Peers at several relays, each a process of its own: one is killed, stopped, moved or taken out, and they stay reachable through another. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { createMemoryRecords } from '../../src/storage/memory.ts'
import { PROTOCOL } from '../../src/wire/ids.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

const origin = ({ port }: RelayProcess) => `http://127.0.0.1:${port}`
const start = (more: Parameters<typeof startRelayProcess>[0] = {}) => startRelayProcess({ args: ['--udp', 'off', '--stun', 'off'], ...more })

function reserved({ mesh }: TestPeer): readonly string[] {
  return mesh.state.relays.filter(({ status }) => status === 'reserved').map(({ origin: at = '' }) => at)
}

/** A byte there and back over a new stream. */
async function echo(from: TestPeer, to: TestPeer): Promise<boolean> {
  const stream = await from.mesh.open(to.mesh.peer, PROTOCOL.echo, { signal: AbortSignal.timeout(5_000) })
  stream.closed.catch(() => undefined)
  const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()]
  await writer.write(Uint8Array.of(9))
  const { value } = await reader.read()
  stream.abort()
  return value?.[0] === 9
}

/** ms until `from` gets through to `to`. */
async function reachedAfter(from: TestPeer, to: TestPeer, what: string): Promise<number> {
  const begun = performance.now()
  await waitUntil(() => echo(from, to).catch(() => false), { ms: 15_000, what })
  return Math.round(performance.now() - begun)
}

describe('two peers at two relays', () => {
  let [one, two]: RelayProcess[] = []
  let [ana, ben]: TestPeer[] = []
  before(async () => {
    ;[one, two] = await Promise.all([start(), start()])
    ana = await startTestPeer({ origin: origin(one as RelayProcess), name: 'Ana' })
    ben = await startTestPeer({ origin: origin(one as RelayProcess), name: 'Ben' })
    for (const peer of [ana, ben]) {
      await peer.mesh.relays.add(`${origin(two as RelayProcess)}/`)
      await waitUntil(() => reserved(peer).length === 2, { what: 'a place at both' })
    }
  })
  after(async () => {
    await Promise.all([ana?.close(), ben?.close()])
    await Promise.all([one?.stop('SIGKILL'), two?.stop('SIGKILL')])
  })
  const both = () => [ana, ben, one, two] as [TestPeer, TestPeer, RelayProcess, RelayProcess]

  it('see each other at both, and one relay is preferred', async () => {
    const [a, b] = both()
    await waitUntil(() => a.mesh.peers.find(({ id, path }) => id === b.mesh.peer && path !== 'away'), { what: 'Ben' })
    assert.equal(a.mesh.state.relays.filter(({ preferred }) => preferred).length, 1)
    assert.equal(new Set(a.mesh.addresses().map((text) => text.split('/p2p-circuit')[0])).size, 2, 'addresses through both')
    assert.ok(await echo(a, b))
  })

  it('kill -9 of one: they reach each other through the other, which alone is told, within 2 s', async () => {
    const [a, b, first, second] = both()
    const used = a.mesh.peers.find(({ id }) => id === b.mesh.peer)?.relay
    const dies = a.mesh.state.relays.find(({ id }) => id === used)?.origin === origin(first) ? first : second
    const stays = dies === first ? second : first
    dies.child.kill('SIGKILL')
    const took = await reachedAfter(a, b, 'Ben through the other relay')
    assert.ok(took < 2_000, `${took} ms`)
    await waitUntil(() => reserved(a).length === 1 && a.mesh.addresses().every((text) => text.includes(`/tcp/${stays.port}/`)), {
      ms: 2_000,
      what: 'the addresses of the other alone',
    })
    assert.deepEqual(reserved(a), [origin(stays)])
    assert.equal(a.mesh.peers.find(({ id }) => id === b.mesh.peer)?.path, 'relayed', 'its presence comes from the other relay')
    const { candidates } = await a.mesh.why(b.mesh.peer)
    assert.equal(candidates[0]?.outcome, 'used')
    assert.equal(candidates.find(({ outcome, kind }) => outcome === 'failed' && kind === 'relayed')?.code, 'RELAY_UNREACHABLE')
  })

  it('remove() gives up the place; the relay it started with stays', async () => {
    const [a, , first, second] = both()
    await a.mesh.relays.remove(origin(second))
    await waitUntil(() => a.mesh.state.relays.length === 1, { what: 'one relay' })
    await assert.rejects(a.mesh.relays.remove(origin(first)), (error) => codeOf(error) === 'BAD_ARGUMENT')
  })
})

describe('relays that a peer added', () => {
  it('are used again after a restart; more than four are refused; one relay by two names is one', async () => {
    const relay = await start()
    const records = createMemoryRecords()
    const first = await startTestPeer({ origin: 'http://127.0.0.1:1', name: 'Ana', parts: { records } })
    try {
      await first.mesh.relays.add(origin(relay))
      await first.mesh.relays.add(`http://localhost:${relay.port}`)
      await waitUntil(() => reserved(first).length === 1, { what: 'a place' })
      await waitUntil(() => first.mesh.state.relays.some(({ problem }) => problem?.code === 'BAD_ARGUMENT'), {
        what: 'the second name to be refused',
      })
      await first.mesh.relays.add('http://127.0.0.1:2')
      await assert.rejects(first.mesh.relays.add('http://127.0.0.1:3'), (error) => codeOf(error) === 'LIMIT_REACHED')
    } finally {
      await first.close()
    }
    const again = await startTestPeer({ origin: 'http://127.0.0.1:1', name: 'Ana', parts: { records } })
    try {
      await waitUntil(() => reserved(again).length === 1 && again.mesh.state.relays.length === 4, { what: 'the same relays' })
    } finally {
      await again.close()
      await relay.stop('SIGKILL')
    }
  })
})
