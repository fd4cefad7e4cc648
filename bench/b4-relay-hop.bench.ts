/** B4: MB/s through one relay hop and the relay's CPU seconds a GB. Ours beside the stock js-libp2p relay beside a bare WebSocket splice; both ends in this process, the relay in its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import type { RelaySource } from '../src/core/transport.ts'
import { createRelaySource } from '../src/mesh/relay-source.ts'
import { startTestPeer } from '../tests/support/test-peer.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { compare, cpuSeconds, type Sample } from './compare.ts'

const SIZE = Number(process.env.BENCH_BYTES ?? 128 * 1024 * 1024)
const CHUNK = new Uint8Array(64 * 1024)

async function start(script: string, args: readonly string[] = []): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, line }
}

async function through(source: RelaySource, pid: number): Promise<Sample> {
  const sinkId = '/x/sink/1.0.0'
  const make = (name: string) => startTestPeer({ origin: 'http://127.0.0.1:1', name, parts: { relays: [source] } })
  const [a, b] = [await make('a'), await make('b')]
  try {
    let received = 0
    await b.mesh.handle(
      sinkId,
      async (stream) => {
        for await (const chunk of stream.readable) received += chunk.byteLength
      },
      { allow: [a.mesh.peer] },
    )
    await waitUntil(() => a.mesh.state.status === 'relayed' && b.mesh.state.status === 'relayed', { ms: 10_000, what: 'both to be reserved' })
    const stream = await a.mesh.open(b.mesh.peer, sinkId)
    const cpuBefore = cpuSeconds(pid)
    const begin = performance.now()
    const writer = stream.writable.getWriter()
    for (let sent = 0; sent < SIZE; sent += CHUNK.byteLength) await writer.write(CHUNK)
    await writer.close()
    await waitUntil(() => received >= SIZE, { ms: 120_000, what: 'all bytes' })
    const seconds = (performance.now() - begin) / 1000
    return { value: SIZE / 1e6 / seconds, cpu: (cpuSeconds(pid) - cpuBefore) / (SIZE / 1e9) }
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

async function splice(port: string, pid: number): Promise<Sample> {
  const [a, b] = [new WebSocket(`ws://127.0.0.1:${port}`), new WebSocket(`ws://127.0.0.1:${port}`)]
  await Promise.all([once(a, 'message'), once(b, 'message')])
  let received = 0
  b.on('message', (data: Buffer) => {
    received += data.byteLength
  })
  const cpuBefore = cpuSeconds(pid)
  const begin = performance.now()
  for (let sent = 0; sent < SIZE; sent += CHUNK.byteLength) {
    a.send(CHUNK)
    while (a.bufferedAmount > 1024 * 1024) await new Promise((resolve) => setImmediate(resolve))
  }
  await waitUntil(() => received >= SIZE, { ms: 120_000, what: 'all bytes' })
  const seconds = (performance.now() - begin) / 1000
  a.close()
  b.close()
  return { value: SIZE / 1e6 / seconds, cpu: (cpuSeconds(pid) - cpuBefore) / (SIZE / 1e9) }
}

const dir = await mkdtemp(join(tmpdir(), 'dmesh-bench-'))
const ours = await start('sides/our-relay.ts', [dir])
const stock = await start('sides/stock-relay.ts')
const limit = await start('sides/ws-splice.ts')
const stockPeer = stock.line.split('/p2p/')[1] as string
const stockSource: RelaySource = { name: 'stock', resolve: async () => ({ peer: stockPeer, name: 'stock', addresses: [stock.line] }) }
await compare(
  {
    name: `B4 relay hop, ${SIZE / 1e6} MB, WebSocket`,
    unit: 'MB/s',
    better: 'higher',
    sides: {
      ours: () => through(createRelaySource(ours.line), ours.child.pid as number),
      'js-libp2p circuit': () => through(stockSource, stock.child.pid as number),
      limit: () => splice(limit.line, limit.child.pid as number),
    },
  },
  'b4-relay-hop',
)
for (const { child } of [ours, stock, limit]) child.kill()
process.exit(0)
