/** The receiving end: read the offer, hold it until a person answers, then bytes to the store and a verdict on what lies there. Must take no content before the offer is accepted, not one byte more than was declared, and lose none that it took when it goes on later. */
import type { FileSink, FileStore } from '../../core/stores.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { type Channel, remoteStop } from './channel.ts'
import { ANSWER_MS, BLOCK, GOODBYE_MS, MAX_JSON, MAX_WRITES, OFFER_READ_MS, STALL_MS, VERIFY_MS, WAIT_EVERY_MS } from './limits.ts'
import type { Leg, Legs } from './resume.ts'
import { decodeOpening, decodeTrailer, type Offer, type Opening } from './wire.ts'

export interface ReceiveOptions {
  readonly legs: Legs
  readonly files: FileStore
  readonly clock: Clock
  readonly offer: Offer
  /** Our own id of the transfer, never the sender's. */
  readonly id: string
  readonly cancel: AbortSignal
  /** Whether this end of it is one after which it goes on later. */
  readonly holds: (error: unknown) => boolean
  /** Each time bytes begin to come, behind the `offset` that are there. */
  onAccept(offset: number): void
  onProgress(done: number): void
  onVerify(): void
}

/** The first frame. UNKNOWN_VERSION, BAD_FRAME, FRAME_TOO_LARGE. */
export async function readOpening(channel: Channel, signal: AbortSignal): Promise<Opening> {
  return decodeOpening(await channel.read(MAX_JSON, 'the offer', signal, OFFER_READ_MS))
}

/** What outlives a leg. */
interface Received {
  sink: FileSink
  /** The place where files are kept went away: it is opened again. */
  lost: boolean
  bytes: number
  /** Blocks on their way to the store, oldest first. */
  writing: Promise<void>[]
}

/** Everything after a new offer, which came over `leg`. Resolves with the SHA-256 of what was stored, rejects with the reason. The caller ends the channel. */
export async function receiveFile(options: ReceiveOptions, leg: Leg, decision: Promise<void>): Promise<string> {
  const first = leg.channel.read(BLOCK, 'file bytes', leg.signal)
  first.catch(() => undefined)
  await awaitDecision(options.clock, decision, leg, first)
  return storeFile(options, false, first)
}

/** From the acceptance on; with `resume` behind what an earlier run stored. When it fails nothing is left stored, unless it goes on later. */
export async function storeFile(options: ReceiveOptions, resume: boolean, first?: Promise<Uint8Array<ArrayBuffer>>): Promise<string> {
  const { legs, files, id } = options
  const sink = await files.create(id, { resume })
  const received: Received = { sink, lost: false, bytes: sink.offset, writing: [] }
  try {
    return await legs.run(
      (leg, resumed) => receiveOver(options, leg, received, resumed ? undefined : first),
      () => received.bytes,
    )
  } catch (error) {
    await (options.holds(error) ? received.sink.release() : received.sink.discard()).catch(() => undefined)
    throw error
  }
}

/** The place where files are kept is another worker in browsers, which may end, or sleep, while this one lives. Then the leg ends, and the next one goes on behind what was kept. */
async function stored<T>(received: Received, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (codeOf(cause) !== 'WORKER_GONE' && codeOf(cause) !== 'TIMEOUT') throw cause
    received.lost = true
    throw new MeshError('PATH_LOST', 'the place where files are kept does not answer', { cause })
  }
}

async function receiveOver(
  options: ReceiveOptions,
  leg: Leg,
  received: Received,
  first: Promise<Uint8Array<ArrayBuffer>> | undefined,
): Promise<string> {
  const { channel, signal } = leg
  if (received.lost) {
    received.sink = await stored(received, options.files.create(options.id, { resume: true }))
    Object.assign(received, { lost: false, bytes: received.sink.offset, writing: [] })
  }
  const { sink, bytes } = received
  options.onAccept(bytes)
  const prefix = bytes > 0 && bytes === sink.offset ? { prefix: sink.prefix } : {}
  await channel.writeJson({ kind: 'accept', offset: bytes, ...prefix }, 'acceptance', signal, STALL_MS)
  const claimed = await receiveBytes(options, leg, received, first ?? channel.read(BLOCK, 'file bytes', signal))
  options.onVerify()
  return verify(options, leg, received, claimed)
}

/** Until the person answers: say `wait` now and then, and watch for the sender to withdraw. */
async function awaitDecision(clock: Clock, decision: Promise<void>, { channel, signal }: Leg, first: Promise<Uint8Array>): Promise<void> {
  let answered = false
  decision.then(
    () => (answered = true),
    () => undefined,
  )
  const early = first.then(async (frame) => {
    // From the acceptance on this frame is the file's first, or the end of an empty one.
    if (answered) return
    if (frame.byteLength === 0) await readStop(channel, signal)
    throw new MeshError('BAD_FRAME', 'content came before the offer was accepted')
  })
  early.catch(() => undefined)
  const beat = async (inner: AbortSignal) => {
    while (!answered) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const cancel = clock.after(WAIT_EVERY_MS, resolve)
      await abortable(Promise.race([promise, decision, early]), inner).finally(cancel)
      if (!answered) await channel.writeJson({ kind: 'wait' }, 'sign of life', inner, STALL_MS)
    }
  }
  await withDeadline(clock, ANSWER_MS, 'answer to the offer', signal, beat)
}

async function readStop(channel: Channel, signal: AbortSignal): Promise<never> {
  const trailer = decodeTrailer(await channel.read(MAX_JSON, 'the end', signal, STALL_MS))
  if (trailer.kind === 'stop') throw remoteStop(trailer.code)
  throw new MeshError('BAD_FRAME', 'a digest came before the file')
}

/** Gives the digest that the sender claims. Blocks are written while the next is read, MAX_WRITES at a time. */
async function receiveBytes(
  { clock, offer, onProgress }: ReceiveOptions,
  { channel, signal }: Leg,
  received: Received,
  first: Promise<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  let block = await withDeadline(clock, STALL_MS, 'file bytes', signal, () => first)
  while (block.byteLength > 0) {
    if (received.bytes + block.byteLength > offer.size) throw new MeshError('BAD_FRAME', `more bytes than the ${offer.size} that were declared`)
    if (received.writing.length >= MAX_WRITES) await abortable(stored(received, received.writing[0] as Promise<void>), signal)
    if (received.writing.length >= MAX_WRITES) received.writing.shift()
    received.bytes += block.byteLength
    const done = received.bytes
    const written = received.sink.write(block).then(() => onProgress(done))
    written.catch(() => undefined)
    received.writing.push(written)
    block = await channel.read(BLOCK, 'file bytes', signal, STALL_MS)
  }
  await abortable(stored(received, Promise.all(received.writing)), signal)
  const trailer = decodeTrailer(await channel.read(MAX_JSON, 'the digest', signal, STALL_MS))
  if (trailer.kind === 'stop') throw remoteStop(trailer.code)
  if (received.bytes < offer.size) throw new MeshError('BAD_FRAME', `${received.bytes} bytes instead of the ${offer.size} that were declared`)
  return trailer.sha256
}

/** The verdict goes by what the store says it holds, not by what passed through here. */
async function verify(
  { files, clock, id, offer, cancel }: ReceiveOptions,
  { channel, signal }: Leg,
  received: Received,
  claimed: string,
): Promise<string> {
  const { size, sha256 } = await stored(
    received,
    withDeadline(clock, VERIFY_MS, 'flush to disk', cancel, () => received.sink.finish()),
  )
  if (size !== offer.size || sha256 !== claimed) {
    await files.remove(id)
    throw new MeshError('VERIFY_FAILED', 'the stored bytes are not the bytes that were sent')
  }
  // Stored and right: if the sender cannot be told any more, it asks again (confirmDone).
  await channel.writeJson({ kind: 'done', sha256 }, 'verdict', signal, GOODBYE_MS).catch(() => undefined)
  return sha256
}
