/** Contract of files: offered, accepted, paused and gone on with by either side, cancelled. */
import type { Mesh, TransferInfo } from '../../src/core/mesh.ts'
import { codeFrom, equal, type MeshCase, type MeshContext, until, within } from './mesh-checks.ts'

export const FILE_CASES: readonly MeshCase[] = [
  { name: 'a file that either side paused is whole in the end', run: pauses },
  { name: 'a cancelled file ends on both sides, and does not go on', run: cancels },
]

const SIZE = 48 * 1024 * 1024 // some tenths of a second at least: enough to be paused in the middle

async function under({ a, b }: MeshContext): Promise<{ mine: string; theirs: string }> {
  const moving = Promise.withResolvers<string>()
  const over = new AbortController()
  const { signal } = over
  b.addEventListener('fileoffer', ({ detail }) => void b.files.accept(detail.id).catch(moving.reject), { signal })
  b.addEventListener('transferchange', ({ detail }) => detail.status === 'running' && moving.resolve(detail.id), { signal })
  const mine = await a.files.offer(b.peer, new Blob([new Uint8Array(SIZE)]), { name: 'zeros.bin' })
  const theirs = await within(moving.promise, 'the first bytes')
  over.abort()
  await until(async () => infoOf(a, mine)?.status === 'running', 'the acceptance')
  return { mine, theirs }
}

function infoOf(mesh: Mesh, id: string): TransferInfo | undefined {
  return mesh.state.transfers.find((one) => one.id === id)
}

async function turned(mesh: Mesh, id: string, status: TransferInfo['status']): Promise<TransferInfo> {
  await until(async () => infoOf(mesh, id)?.status === status, `${status} instead of ${infoOf(mesh, id)?.status}`)
  return infoOf(mesh, id) as TransferInfo
}

async function pauses(context: MeshContext): Promise<void> {
  const { a, b } = context
  const { mine, theirs } = await under(context)
  await a.files.pause(mine)
  equal((await turned(a, mine, 'paused')).pausedBy, 'me', 'at the sender')
  equal((await turned(b, theirs, 'paused')).pausedBy, 'them', 'at the receiver')
  await a.files.resume(mine)
  const [sent, received] = [await turned(a, mine, 'done'), await turned(b, theirs, 'done')]
  equal(sent.sha256, received.sha256, 'SHA-256')
  equal((await b.files.open(theirs)).size, SIZE, 'bytes')
  equal(await codeFrom(a.files.resume(mine)), 'BAD_ARGUMENT', 'resume() of what has ended')
  equal(await codeFrom(b.files.pause(theirs)), 'BAD_ARGUMENT', 'pause() of what has ended')
  await b.files.remove(theirs)
}

async function cancels(context: MeshContext): Promise<void> {
  const { a, b } = context
  const { mine, theirs } = await under(context)
  await b.files.pause(theirs)
  equal((await turned(a, mine, 'paused')).pausedBy, 'them', 'at the sender')
  await a.files.cancel(mine)
  await turned(a, mine, 'cancelled')
  await turned(b, theirs, 'cancelled')
  equal(await codeFrom(b.files.resume(theirs)), 'BAD_ARGUMENT', 'resume() of what was cancelled')
}
