/** What must hold of a file after any faults: it arrives whole, was offered once, and has failed on neither side meanwhile. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Mesh, TransferInfo } from '../../src/core/mesh.ts'
import type { Fault } from '../support/faults/faults.ts'
import { startFaultyPeer, suffer } from '../support/faults/peer.ts'
import { waitUntil } from '../support/wait.ts'
import type { FaultyRelay } from './keeper-invariant.ts'

const BLOCK = 65_536
const BLOCKS = 48

/** ms after the network is back until it is whole: a silence of 60 s may have to be noticed first. */
const WHOLE = 150_000

/** Every other seed has the faults at the receiver. */
export async function fileArrives({ origin, caller }: FaultyRelay, seed: number): Promise<void> {
  const peer = await startFaultyPeer({ origins: [origin], seed, name: `peer ${seed}` })
  const faults: Fault[] = []
  const [from, to] = seed % 2 === 0 ? [peer.mesh, caller.mesh] : [caller.mesh, peer.mesh]
  const over = new AbortController()
  const offers: TransferInfo[] = []
  to.addEventListener(
    'fileoffer',
    ({ detail }) => {
      if (detail.peer !== from.peer) return
      offers.push(detail)
      void to.files.accept(detail.id)
    },
    { signal: over.signal },
  )
  try {
    await waitUntil(() => sees(from, to) && sees(to, from), { ms: 20_000, what: 'each other' })
    const id = await from.files.offer(to.peer, slowly(seed), { name: `file-${seed}` })
    const sent = () => from.state.transfers.find((one) => one.id === id)
    const received = () => to.state.transfers.find((one) => one.id === offers[0]?.id)
    await waitUntil(() => (received()?.done ?? 0) > 0, { ms: 20_000, what: 'the first bytes' })
    await suffer(peer, faults)
    const ended = ({ status = 'offered' }: Partial<TransferInfo> = {}) => !['offered', 'running', 'verifying', 'waiting'].includes(status)
    await waitUntil(() => ended(sent()) && ended(received()), { ms: WHOLE, what: `the end: ${JSON.stringify([sent(), received()])}` })
    for (const info of [sent(), received()]) assert.deepEqual([info?.status, info?.problem, info?.sha256], ['done', undefined, digest(seed)])
    assert.equal(offers.length, 1)
    await to.files.remove(offers[0]?.id ?? '')
  } catch (error) {
    const story = faults.map(({ name, about = '' }) => `${name} ${about}`).join(', ')
    throw new Error(`after ${story || 'nothing'}: ${(error as Error).message}`, { cause: error })
  } finally {
    over.abort()
    await peer.end()
  }
}

function sees(mesh: Mesh, other: Mesh): boolean {
  return mesh.peers.some(({ id, path }) => id === other.peer && path !== 'away')
}

function block(seed: number, index: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BLOCK).fill(seed * 31 + index * 7)
}

function digest(seed: number): string {
  const hash = createHash('sha256')
  for (let i = 0; i < BLOCKS; i++) hash.update(block(seed, i))
  return hash.digest('hex')
}

/** A source of some three megabytes that takes longer to read than a fault lasts. */
function slowly(seed: number, from = 0): Blob {
  const size = BLOCK * BLOCKS - from
  const stream = () => {
    let at = from
    return new ReadableStream(
      {
        async pull(controller) {
          if (at >= BLOCK * BLOCKS) return controller.close()
          await pause(20)
          controller.enqueue(block(seed, Math.floor(at / BLOCK)).subarray(at % BLOCK))
          at += BLOCK - (at % BLOCK)
        },
      },
      { highWaterMark: 0 },
    )
  }
  return { size, type: '', stream, slice: (start: number) => slowly(seed, from + start) } as unknown as Blob
}
