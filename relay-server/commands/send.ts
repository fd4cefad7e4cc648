/** `dmesh send`: files, folders or a message to one peer; waits for it, shows progress, and goes on with a file when the way or either process broke off, this command included. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { backoff } from '../../src/core/backoff.ts'
import { FOLDER_TYPE, type TransferInfo } from '../../src/core/mesh.ts'
import { safeName } from '../../src/protocols/files/name.ts'
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { codeOf, type ErrorCode, MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { parseDuration } from './durations.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printable, printableLine, sizeText } from './printable.ts'
import { findPeer, problemError, untilHere, whenReachable } from './ready.ts'
import type { Known } from './resolve-peer.ts'
import { spool } from './spool.ts'
import { createWatch, transferText } from './watch-transfer.ts'

const CHAT = 'chat' // the topic that the page shows
/** Ends of a transfer, or of an offer, after which it is tried again: the way broke, or one of the two processes. */
const BROKEN: readonly ErrorCode[] = [
  'PATH_LOST',
  'PEER_UNREACHABLE',
  'RELAY_UNREACHABLE',
  'TIMEOUT',
  'STREAM_RESET',
  'NOT_RUNNING',
  'CLOSED',
  'RELAY_FULL',
]

/** ms between two offers of the same file. */
const RETRY = { first: 500, cap: 8_000 } as const

export async function send(call: CommandCall): Promise<number> {
  const [to = '', ...files] = call.args
  const message = call.option('text')
  if ((message === undefined) === (files.length === 0)) throw new MeshError('BAD_ARGUMENT', 'send needs files, or --text TEXT, and not both')
  if (call.option('name') !== undefined && files.length !== 1) throw new MeshError('BAD_ARGUMENT', '--name is for one file')
  const wait = parseDuration(call.option('wait') ?? '5m', '--wait')
  if (message === undefined) await checkFiles(files)
  const connected = await call.open()
  const known = await findPeer(connected, to, call.terminal.note)
  if (message !== undefined) return sendText(call, connected, { known, text: message, wait })
  await whenReachable(connected, wait)
  for (const file of files) await sendFile(call, connected, { known, file, wait })
  return EXIT.ok
}

/** Before anything is sent: a list with a wrong name in it sends nothing. */
async function checkFiles(files: readonly string[]): Promise<void> {
  if (files.filter((file) => file === '-').length > 1) throw new MeshError('BAD_ARGUMENT', '- can be sent once')
  for (const file of files) {
    if (file === '-') continue
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw new MeshError('BAD_ARGUMENT', `${file} cannot be read (${error.code})`, { cause: error })
    })
    if (!found.isFile() && !found.isDirectory()) throw new MeshError('BAD_ARGUMENT', `${file} is neither a file nor a folder`)
  }
}

interface TextJob {
  readonly known: Known
  readonly text: string
  readonly wait: number
}

/** The message is kept by this peer first, so a failure to deliver in time loses nothing. */
async function sendText({ terminal, json }: CommandCall, { client, follow }: Connected, { known, text, wait }: TextJob): Promise<number> {
  const id = await client.send(known.peer, CHAT, text)
  const status = await follow
    .until((state) => state.messages.find((one) => one.id === id && one.status !== 'waiting')?.status, { ms: wait, what: 'the peer' })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'TIMEOUT' || wait === 0) return 'waiting' as const
      throw new MeshError(
        'PEER_UNREACHABLE',
        `${printable(known.name, known.peer)} is not here. The message is kept, and delivered when both are: dmesh up`,
      )
    })
  terminal.out(json ? JSON.stringify({ id, status }) : status === 'waiting' ? 'kept until the peer is here' : status)
  return EXIT.ok
}

interface FileJob {
  readonly known: Known
  readonly file: string
  readonly wait: number
}

async function sendFile(call: CommandCall, connected: Connected, { known, file, wait }: FileJob): Promise<void> {
  const { terminal, json, signal, dataDir } = call
  const source = file === '-' ? await spool(terminal.input, dataDir, signal) : undefined
  try {
    const path = source?.path ?? resolve(file)
    const name = call.option('name') ?? (source ? 'stdin' : basename(path))
    const { size, sha256, id, resumedAt } = await offerUntilDone(call, connected, { known, path, name, wait })
    terminal.out(
      json
        ? JSON.stringify({ id, name, size, sha256, peer: known.peer, ...(resumedAt === undefined ? {} : { resumedAt }) })
        : `${printableLine(name)}  ${sizeText(size)}  sha256 ${sha256}`,
    )
  } finally {
    await source?.remove()
  }
}

interface Offer {
  readonly known: Known
  readonly path: string
  readonly name: string
  readonly wait: number
}

/** Gives up when nothing moved for as long as --wait. */
async function offerUntilDone(call: CommandCall, connected: Connected, offer: Offer): Promise<TransferInfo> {
  const { terminal, json, signal } = call
  const { known, name, wait } = offer
  const clock = systemClock()
  let moved = clock.monotonic()
  for (let failures = 0; ; failures++) {
    terminal.progress(`${printableLine(name)}: waiting for ${printable(known.name, known.peer)} …`)
    await untilHere(connected, known, wait)
    try {
      return await offerOnce(call, connected, offer, () => {
        moved = clock.monotonic()
        failures = 0
      })
    } catch (error) {
      if (!BROKEN.includes(codeOf(error)) || signal.aborted || clock.monotonic() - moved > wait) throw error
      if (!json) terminal.note(`${printableLine(name)}: broke off (${printableLine((error as Error).message)}); trying again`)
      await sleep(clock, backoff(failures + 1, Math.random(), RETRY), signal)
    }
  }
}

/** One transfer to its end. Rejects with why it ended. */
async function offerOnce({ terminal, signal }: CommandCall, connected: Connected, offer: Offer, moved: () => void): Promise<TransferInfo> {
  const { client, follow } = connected
  const { known, path, name, wait } = offer
  const id = (await takeUp(connected, offer, signal)) ?? (await client.files.offer({ peer: known.peer, path, name }, signal))
  const patience = createPatience(wait, `${printable(known.name, known.peer)} is not here. The transfer is kept: the same command goes on with it`)
  const watch = createWatch(id, (info) => {
    if (info.status === 'running' && info.done > 0) moved()
    patience.look(info.status === 'waiting')
    terminal.progress(transferText(info, printable(known.name, known.peer)))
  })
  try {
    const end = await Promise.race([
      follow.until(({ transfers }) => watch(transfers), { ms: Number.POSITIVE_INFINITY, what: 'the end of the transfer' }),
      patience.over,
    ])
    if (end.status === 'done') return end
    throw problemError(end.problem ?? { code: 'PATH_LOST', message: `the transfer ended as ${end.status}` })
  } catch (error) {
    if (signal.aborted) await client.files.cancel(id).catch(() => undefined)
    throw error
  } finally {
    patience.look(false)
  }
}

/** The transfer of the same file to the same peer that an earlier run left, once it goes on; undefined when there is none, or when the file is another one now. */
async function takeUp({ client, follow }: Connected, { known, path, name }: Offer, signal: AbortSignal): Promise<string | undefined> {
  const found = await stat(path)
  // How large a folder is shows when it is read, and whether it is the same one.
  const like = (one: TransferInfo) => (found.isDirectory() ? one.type === FOLDER_TYPE : one.size === found.size)
  const same = (one: TransferInfo) => one.direction === 'out' && one.peer === known.peer && one.name === safeName(name) && like(one)
  const kept = follow.state().transfers.findLast((one) => same(one) && (one.status === 'waiting' || one.status === 'paused'))
  if (!kept) return undefined
  try {
    await client.files.resume({ id: kept.id, ...(kept.needs === 'source' ? { path } : {}) }, signal)
    return kept.id
  } catch (error) {
    if (codeOf(error) !== 'SOURCE_CHANGED' && codeOf(error) !== 'BAD_ARGUMENT') throw error
    await client.files.cancel(kept.id).catch(() => undefined)
    return undefined
  }
}

/** Rejects once a transfer has waited for its peer for `ms`. */
function createPatience(ms: number, message: string): { look(waits: boolean): void; readonly over: Promise<never> } {
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  return {
    over: over.promise,
    look(waits) {
      if (!waits) clearTimeout(timer)
      timer = waits ? (timer ?? setTimeout(() => over.reject(new MeshError('PEER_UNREACHABLE', message)), ms)) : undefined
    },
  }
}
