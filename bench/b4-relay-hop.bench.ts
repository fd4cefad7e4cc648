/** B4: MB/s through one relay hop and the relay's CPU seconds a GB. Ours beside the stock js-libp2p relay, go-libp2p's, strelaysrv and coturn where they are installed, beside a bare WebSocket splice; both ends in this process, each relay in its own, on a core of its own. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { RelaySource } from '../src/core/transport.ts'
import { createRelaySource } from '../src/mesh/relay-source.ts'
import { startTestPeer } from '../tests/support/test-peer.ts'
import { waitUntil } from '../tests/support/wait.ts'
import { type BenchRun, runBench } from './bench-run.ts'
import { cpuSeconds, type Sample } from './compare.ts'
import { pin } from './pin.ts'
import { joinBySyncthing } from './syncthing-session.ts'
import { joinByTurn } from './turn-tcp.ts'

const SIZE = Number(process.env.BENCH_BYTES ?? 128 * 1024 * 1024)
const CHUNK = new Uint8Array(64 * 1024)
const SINK = '/x/sink/1.0.0'
/** ms for one transfer. */
const TRANSFER_MS = 40_000
/** Bytes that the bare sockets may hold. */
const HIGH = 1024 * 1024

/** Two of our peers over the relay that `source` names. */
async function through(source: RelaySource, pid: number): Promise<Sample> {
  const make = (name: string) => startTestPeer({ origin: 'http://127.0.0.1:1', name, parts: { relays: [source] } })
  const [a, b] = await Promise.all([make('a'), make('b')])
  try {
    let received = 0
    const take = async (readable: ReadableStream<Uint8Array>) => {
      for await (const chunk of readable) received += chunk.byteLength
    }
    await b.mesh.handle(SINK, ({ readable }) => take(readable), { allow: [a.mesh.peer] })
    await waitUntil(() => a.mesh.state.status === 'relayed' && b.mesh.state.status === 'relayed', { ms: 10_000, what: 'both to be reserved' })
    const stream = await a.mesh.open(b.mesh.peer, SINK)
    return await timed(pid, async () => {
      const writer = stream.writable.getWriter()
      for (let sent = 0; sent < SIZE; sent += CHUNK.byteLength) await writer.write(CHUNK)
      await writer.close()
      await waitUntil(() => received >= SIZE, { ms: TRANSFER_MS, what: 'all bytes' })
    })
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

/** Two bare TCP sockets that a foreign relay has joined. */
async function sockets(
  pid: number,
  { a, b, control }: { readonly a: Socket; readonly b: Socket; readonly control: readonly Socket[] },
): Promise<Sample> {
  let received = 0
  b.on('data', (data: Buffer) => {
    received += data.byteLength
  })
  try {
    return await timed(pid, async () => {
      for (let sent = 0; sent < SIZE; sent += CHUNK.byteLength) if (!a.write(CHUNK)) await once(a, 'drain')
      await waitUntil(() => received >= SIZE, { ms: TRANSFER_MS, what: 'all bytes' })
    })
  } finally {
    for (const socket of [a, b, ...control]) socket.destroy()
  }
}

/** A program that others wrote, where it is installed: its pid and what else it says of itself, or why it is left out. */
async function foreign(run: BenchRun, script: string): Promise<readonly [pid: number, ...rest: string[]] | undefined> {
  try {
    const [pid, ...rest] = (await run.start(script)).line.split(' ')
    pin(Number(pid), 0)
    return [Number(pid), ...rest]
  } catch (error) {
    process.stdout.write(`left out: ${script} (${(error as Error).message})\n`)
    return undefined
  }
}

/** Two bare WebSockets over the splice. */
async function splice(port: string, pid: number): Promise<Sample> {
  const [a, b] = [new WebSocket(`ws://127.0.0.1:${port}`), new WebSocket(`ws://127.0.0.1:${port}`)]
  await Promise.all([once(a, 'message'), once(b, 'message')])
  let received = 0
  b.on('message', (data: Buffer) => {
    received += data.byteLength
  })
  try {
    return await timed(pid, async () => {
      for (let sent = 0; sent < SIZE; sent += CHUNK.byteLength) {
        a.send(CHUNK)
        while (a.bufferedAmount > HIGH) await new Promise((resolve) => setImmediate(resolve))
      }
      await waitUntil(() => received >= SIZE, { ms: TRANSFER_MS, what: 'all bytes' })
    })
  } finally {
    a.terminate()
    b.terminate()
  }
}

async function timed(pid: number, transfer: () => Promise<void>): Promise<Sample> {
  const cpu = cpuSeconds(pid)
  const begin = performance.now()
  await transfer()
  const seconds = (performance.now() - begin) / 1000
  return { value: SIZE / 1e6 / seconds, cpu: (cpuSeconds(pid) - cpu) / (SIZE / 1e9) }
}

await runBench(async (run) => {
  const ours = await run.start('our-relay.ts', { core: 0 })
  const stock = await run.start('stock-relay.ts', { core: 0 })
  const limit = await run.start('ws-splice.ts', { core: 0 })
  pin(process.pid, 1)
  const at = (address: string): RelaySource => {
    const peer = address.split('/p2p/')[1] as string
    return { name: 'foreign', resolve: async () => ({ peer, name: 'foreign', addresses: [address] }) }
  }
  const go = await foreign(run, 'go-relay.ts')
  const syncthing = await foreign(run, 'syncthing-relay.ts')
  const turn = await foreign(run, 'turn.ts')
  await run.compare(
    {
      name: `B4 relay hop, ${Math.round(SIZE / 1e6)} MB, WebSocket`,
      fair: 'The same two peers (ours, end-to-end encrypted over a circuit) through our relay, the stock one and go-libp2p’s, limits off; strelaysrv and coturn (RFC 6062) join two TCP sockets that carry no encryption at all, no WebSocket and no muxer; the limit copies frames between bare sockets, with no encryption at either end. Relay on core 0, both ends on core 1.',
      unit: 'MB/s',
      better: 'higher',
      sides: {
        ours: () => through(createRelaySource(ours.line), ours.pid),
        'js-libp2p circuit': () => through(at(stock.line), stock.pid),
        ...(go ? { 'go-libp2p circuit': () => through(at(go[1] as string), go[0]) } : {}),
        ...(syncthing ? { strelaysrv: async () => sockets(syncthing[0], await joinBySyncthing(Number(syncthing[1]), syncthing[2] as string)) } : {}),
        ...(turn ? { 'coturn, TCP': async () => sockets(turn[0], await joinByTurn(Number(turn[1]))) } : {}),
        limit: () => splice(limit.line, limit.pid),
      },
    },
    'b4-relay-hop',
  )
})
