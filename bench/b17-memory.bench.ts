/** B17: memory that one idle peer costs a relay, connected and with a place. Ours beside js-libp2p's relay beside a bare `ws` server; each in a process of its own, fresh for every sample. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { startCrowd } from '../tests/support/crowd.ts'
import { type BenchRun, runBench, type Side } from './bench-run.ts'
import type { Sample } from './compare.ts'

const PEERS = Number(process.env.BENCH_PEERS ?? 1000)
/** Before the count, so that nothing is measured that the first ones made the program load. */
const FIRST = 40
const NETWORKS = 40 // /24s the crowd comes from, below the quotas of one
const KIB = 1024

/** KiB a peer. `join` adds so many. */
async function each(side: Side, join: (count: number) => Promise<void>): Promise<Sample> {
  await join(FIRST)
  const before = await side.ask('held')
  await join(PEERS)
  return { value: ((await side.ask('held')) - before) / PEERS / KIB }
}

async function crowd(run: BenchRun, side: Side, address: string): Promise<Sample> {
  const peers = startCrowd()
  run.defer(peers.end)
  let joined = 0
  try {
    return await each(side, async (count) => {
      joined += count
      const { members, failures } = await peers.do({ kind: 'join', address, count, network: 0, networks: NETWORKS, reserve: true })
      if (members !== joined) throw new Error(`${members} of ${joined} joined: ${JSON.stringify(failures)}`)
    })
  } finally {
    peers.end()
  }
}

async function bare(side: Side): Promise<Sample> {
  const sockets: WebSocket[] = []
  try {
    return await each(side, async (count) => {
      const made = Array.from({ length: count }, () => new WebSocket(`ws://127.0.0.1:${side.line}`, { perMessageDeflate: false }))
      sockets.push(...made)
      await Promise.all(made.map((socket) => once(socket, 'open')))
    })
  } finally {
    for (const socket of sockets) socket.terminate()
  }
}

await runBench(async (run) => {
  await run.compare(
    {
      name: `B17 memory of an idle peer, ${PEERS} of them`,
      fair: 'Heap and buffers after full collections, more of it than before the peers came, by their number. Each peer is one WebSocket with Noise and yamux and holds a place (a reservation); at the limit it is one WebSocket and nothing else.',
      unit: 'KiB',
      better: 'lower',
      rounds: 3,
      deadline: 110_000,
      sides: {
        ours: async () => {
          const relay = await run.start('our-relay.ts')
          const site = (await (await fetch(`${relay.line}/.well-known/dmesh.json`)).json()) as { addresses: string[] }
          return crowd(run, relay, site.addresses.find((text) => text.includes('/ws/p2p/')) as string)
        },
        'js-libp2p circuit': async () => {
          const relay = await run.start('stock-relay.ts')
          return crowd(run, relay, relay.line)
        },
        limit: async () => bare(await run.start('ws-idle.ts')),
      },
    },
    'b17-memory',
  )
})
