/** What one relay carries, as a suite in two sizes: reservations, idle connections, a flood, peers that stop reading, and thousands who come and go. Real relay process, real sockets. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { UPGRADES } from '../../relay-server/front/limits.ts'
import { type Crowd, type CrowdAnswer, MEASURABLE, measure, type RelayCost, startCrowd } from '../support/crowd.ts'
import { flood } from '../support/flood.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

export interface LoadSize {
  readonly reservations: number
  readonly idle: number
  /** Peers whose process stands still. */
  readonly frozen: number
  readonly floodSeconds: number
  readonly cycles: number
}

const NETWORKS = 40 // /24s the crowd comes from: an office each, below the quotas of one
const MAX_CONNECTION_BYTES = 64 * 1024 // of heap and buffers a connected peer; 30 kB measured
const LEFT_BYTES = 3 * 1024 * 1024 // that may stay after everybody left: caches, and code that was compiled meanwhile
const SETTLE_MS = 75_000 // longer than any deadline of a connection that is gone, and than the minute that rates are counted for
const KIB = 1024

export function describeLoad(size: LoadSize): void {
  describe(`a relay with ${size.reservations} reservations and ${size.idle} idle connections`, { concurrency: 1 }, () => {
    let relay: RelayProcess
    let address = ''
    const crowds: Crowd[] = []
    const crowd = (): Crowd => {
      const made = startCrowd()
      crowds.push(made)
      return made
    }
    const numbers = async (): Promise<Record<string, number>> => {
      const text = await (await fetch(`${relay.adminUrl}/metrics`)).text()
      return Object.fromEntries([...text.matchAll(/^dmesh_(\w+)(?:\{[^}]*\})? (\d+)/gm)].map(([, name, value]) => [name, Number(value)]))
    }

    const visit = (by: Crowd) => () => by.do({ kind: 'cycle', address, count: 1, network: 300, networks: NETWORKS, reserve: true })

    before(async () => {
      relay = await startRelayProcess({ env: MEASURABLE })
      const site = (await (await fetch(`http://127.0.0.1:${relay.port}/.well-known/dmesh.json`)).json()) as { addresses: readonly string[] }
      address = site.addresses.find((text) => text.includes('/ws')) as string
    })
    after(async () => {
      for (const one of crowds) one.end()
      await relay.stop()
    })

    it('holds them all, each for a few kilobytes, and lets go of everything when they leave', async (t) => {
      const [first, second] = [crowd(), crowd()]
      // What the first ones make the relay load and compile is no cost of a peer.
      all(await first.do({ kind: 'cycle', address, count: 40, network: 0, networks: NETWORKS, reserve: true }), 40)
      const empty = await measure(relay)
      all(await first.do({ kind: 'join', address, count: size.reservations, network: 0, networks: NETWORKS, reserve: true }), size.reservations)
      const reserved = await measure(relay)
      assert.equal((await numbers()).reservations, size.reservations)
      const each = (reserved.heap - empty.heap) / size.reservations
      t.diagnostic(`a reservation: ${Math.round(each / KIB)} KiB of heap, ${kib(reserved.resident - empty.resident, size.reservations)} KiB resident`)
      all(await second.do({ kind: 'join', address, count: size.idle, network: 100, networks: NETWORKS }), size.idle)
      const full = await measure(relay)
      const idle = (full.heap - reserved.heap) / size.idle
      t.diagnostic(`an idle connection: ${Math.round(idle / KIB)} KiB of heap, ${kib(full.resident - reserved.resident, size.idle)} KiB resident`)
      assert.ok(each < MAX_CONNECTION_BYTES && idle < MAX_CONNECTION_BYTES, `${each} and ${idle} bytes`)
      // A newcomer of yet another network gets in, and is seen.
      const late = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name: 'late' })
      await waitUntil(() => late.mesh.state.status === 'relayed', { what: 'a newcomer to get a place', ms: 10_000 })
      await late.close()
      for (const one of [first, second]) await one.do({ kind: 'leave' })
      await waitUntil(async () => (await numbers()).sockets === 0 || (await numbers()).connections === 0, {
        what: 'everybody to be gone',
        ms: 60_000,
      })
      const left = await settled(relay, empty.heap + LEFT_BYTES, visit(first))
      t.diagnostic(`left behind: ${kib(left.heap - empty.heap, 1)} KiB of heap, ${left.descriptors - empty.descriptors} descriptors`)
      assert.ok(left.heap - empty.heap < LEFT_BYTES, `${left.heap - empty.heap} bytes stay`)
      assert.ok(left.descriptors <= empty.descriptors + 8, `${left.descriptors - empty.descriptors} descriptors stay`)
    })

    it(`lets others in while one network opens 2,000 sockets a second for ${size.floodSeconds} s`, async (t) => {
      const before = await measure(relay)
      const flooding = flood({ port: relay.port, rate: 2000, seconds: size.floodSeconds, localAddress: '127.200.7.1' })
      const waits: number[] = []
      let over = false
      void flooding.then(() => (over = true))
      while (!over) {
        const began = performance.now()
        const peer = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name: 'honest' })
        await waitUntil(() => peer.mesh.state.status === 'relayed', { what: 'an honest peer to get in during the flood', ms: 10_000 })
        waits.push(performance.now() - began)
        await peer.close()
      }
      const { rate, answers, started } = await flooding
      waits.sort((a, b) => a - b)
      t.diagnostic(
        `${started} sockets, ${rate} a second: ${JSON.stringify(answers)}; ${waits.length} honest peers, slowest ${Math.round(waits.at(-1) ?? 0)} ms`,
      )
      // Cut are those whose answer would have come too late: the newest ask first, of one network.
      const refused = (answers['429'] ?? 0) + (answers.cut ?? 0)
      // A minute's worth at once, and what comes back meanwhile.
      const share = UPGRADES.startsPerPrefix * (1 + size.floodSeconds / 60) + 100
      assert.ok((answers['101'] ?? 0) <= share, 'one network starts no more than its share')
      assert.ok(started > 2 * UPGRADES.startsPerPrefix && refused > started / 2, 'a flood of one network is refused')
      assert.ok(waits.length > 0)
      await waitUntil(async () => (await measure(relay)).descriptors < before.descriptors + 50, { what: 'the flood to be gone', ms: 30_000 })
    })

    it('cuts peers that read no more, and their places are free again', async () => {
      const frozen = crowd()
      all(await frozen.do({ kind: 'join', address, count: size.frozen, network: 0, networks: NETWORKS, reserve: true }), size.frozen)
      assert.equal((await numbers()).reservations, size.frozen)
      frozen.freeze()
      await waitUntil(async () => (await numbers()).connections === 0, { what: 'the relay to let go of peers that stand still', ms: 90_000 })
      assert.equal((await numbers()).reservations, 0)
      frozen.end()
    })

    it(`is as it was after ${size.cycles} peers came and went`, async (t) => {
      const guests = crowd()
      const round = async (before?: RelayCost) => {
        const answer = await guests.do({ kind: 'cycle', address, count: size.cycles / 2, network: 200, networks: NETWORKS, reserve: true })
        all(answer, size.cycles / 2)
        await waitUntil(async () => (await numbers()).connections === 0, { what: 'the last ones to be gone', ms: 30_000 })
        return settled(relay, before && before.heap + LEFT_BYTES, visit(guests))
      }
      const half = await round(await measure(relay))
      const end = await round(half)
      t.diagnostic(`second half: ${kib(end.heap - half.heap, 1)} KiB of heap, ${end.descriptors - half.descriptors} descriptors more`)
      assert.ok(end.heap - half.heap < LEFT_BYTES, `${end.heap - half.heap} bytes more`)
      assert.ok(end.descriptors <= half.descriptors + 8)
    })
  })
}

/** Deadlines of the last connections hold them for some seconds: what is left once the heap shrinks no more, or is below `enough`. */
async function settled(relay: RelayProcess, enough: number | undefined, visit: () => Promise<unknown>): Promise<RelayCost> {
  let last = await measure(relay)
  const end = performance.now() + SETTLE_MS
  await waitUntil(
    async () => {
      // What only the next one to come lets go of.
      await visit()
      last = await measure(relay)
      return last.heap <= (enough ?? 0) || performance.now() > end
    },
    { what: 'the heap to settle', ms: 2 * SETTLE_MS },
  )
  return last
}

function all({ members, failures }: CrowdAnswer, wanted: number): void {
  assert.equal(members, wanted, JSON.stringify(failures))
}

function kib(bytes: number, count: number): number {
  return Math.round(bytes / count / KIB)
}
