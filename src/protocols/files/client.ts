/** The sending end: offer, wait for the answer, bytes with their digest in one pass, verdict. Reads the source as it sends and never holds more than two reads of it. Must send nothing of a file that is not the one it began with. */
import type { IncrementalHash } from '../../core/stores.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { readOnce } from '../../shared/spent.ts'
import { type Channel, remoteStop } from './channel.ts'
import { ANSWER_MS, BACK_MS, BLOCK, MAX_JSON, SILENCE_MS, STALL_MS, VERIFY_MS } from './limits.ts'
import { isHold, type Leg, type Legs } from './resume.ts'
import type { Kept } from './transfers.ts'
import { decodeAnswer, decodeVerdict, type Offer, offerJson, type Verdict } from './wire.ts'

/** What outlives legs and pauses, as long as this process and its handle of the file do. */
export interface Source {
  readonly blob: Blob
  readonly hash: IncrementalHash
  /** Bytes that went into the hash. */
  hashed: number
  /** Of all of them, in the end. */
  sha256?: string
  /** Bytes that a receiver may have: what was sent, or any number after a restart. */
  sent: number
}

export interface SendOptions {
  readonly legs: Legs
  readonly source: Source
  readonly clock: Clock
  /** It was accepted before. */
  isBack(): boolean
  /** Ends the transfer with what the receiver says. */
  stop(why: unknown): void
  /** Follow whether a better path comes for this leg. */
  prefer(leg: Leg): { ready(): void; end(): void }
  /** Of the offer, and each time the transfer goes on over another path; `offset` = bytes that are there. */
  onAccept(offset: number): void
  onProgress(done: number): void
  /** Bytes were hashed. */
  onHashed(source: Source): void
  onVerify(): void
}

/** The first frame. */
export function sendOffer(channel: Channel, offer: Offer, signal: AbortSignal): Promise<void> {
  return channel.writeJson(offerJson(offer), 'offer', signal, STALL_MS)
}

/** Everything after the offer. Resolves with the SHA-256 that both sides have (lower-case hex), rejects with the reason. The caller ends the channel. */
export async function sendFile(options: SendOptions): Promise<string> {
  const over = async (leg: Leg) => {
    const better = options.prefer(leg)
    return sendOver(options, leg, better.ready).finally(better.end)
  }
  return options.legs.run(over, () => options.source.hashed)
}

async function sendOver(options: SendOptions, leg: Leg, accepted: () => void): Promise<string> {
  const { source, clock } = options
  const { channel, signal } = leg
  const ask = (inner: AbortSignal) =>
    awaitAnswer(channel, inner, { sent: Math.max(source.hashed, source.sent), first: options.isBack() ? BACK_MS : SILENCE_MS })
  const { offset, prefix } = await withDeadline(clock, ANSWER_MS + SILENCE_MS, 'answer to the offer', signal, ask)
  options.onAccept(offset)
  accepted()
  if (offset > source.hashed) await hashUpTo(source, offset, signal)
  if (prefix !== undefined && offset === source.hashed && source.sha256 === undefined && prefix !== source.hash.peek())
    throw new MeshError('SOURCE_CHANGED', 'the file is not the one of which the other device has the first part')
  const verdict = channel.read(MAX_JSON, 'the verdict', signal).then(decodeVerdict)
  // A receiver that stops in the middle must not wait until our next write fails.
  verdict.then(
    (early) => {
      if (early.kind !== 'stop') return
      const why = remoteStop(early.code)
      if (isHold(why)) leg.lose(why)
      else options.stop(why)
    },
    (error: unknown) => leg.lose(toMeshError(error)),
  )
  await sendBytes(options, leg, offset)
  source.sha256 ??= source.hash.digest()
  const { sha256 } = source
  await channel.write(new Uint8Array(0), 'end of file', signal, STALL_MS)
  await channel.writeJson({ kind: 'digest', sha256 }, 'digest', signal, STALL_MS)
  options.onVerify()
  checkVerdict(await withDeadline(clock, VERIFY_MS, 'verification by the receiver', signal, () => verdict), sha256)
  options.onProgress(source.blob.size)
  return sha256
}

/** Waits through `wait` frames. What the receiver has already, of the bytes `sent`. */
async function awaitAnswer(
  channel: Channel,
  signal: AbortSignal,
  { sent, first }: { readonly sent: number; readonly first: number },
): Promise<{ offset: number; prefix?: string | undefined }> {
  for (let ms = first; ; ms = SILENCE_MS) {
    const answer = decodeAnswer(await channel.read(MAX_JSON, 'the answer', signal, ms))
    if (answer.kind === 'stop') throw remoteStop(answer.code)
    if (answer.kind === 'wait') continue
    if (answer.offset > sent) throw new MeshError('BAD_FRAME', 'the receiver wants to resume what was never sent')
    return answer
  }
}

/** Hashes a block while the one before it is being sent and the bytes behind it are being read. `from` = bytes that the receiver has. */
async function sendBytes({ source, onProgress, onHashed }: SendOptions, { channel, signal }: Leg, from: number): Promise<void> {
  const { blob } = source
  const reader = (from > 0 ? blob.slice(from) : blob).stream().getReader()
  let sending: Promise<void> = Promise.resolve()
  try {
    let at = from
    for (let next = readOn(reader); at < blob.size; ) {
      const bytes = await abortable(next, signal)
      next = readOn(reader)
      // Each block is handed to the stream after it was hashed, and in order.
      readOnce(bytes)
      for (let start = 0; start < bytes.byteLength; start += BLOCK) {
        const block = bytes.subarray(start, start + BLOCK)
        // What is sent again was hashed before.
        const known = Math.min(Math.max(0, source.hashed - at), block.byteLength)
        at += block.byteLength
        const done = at
        // Nothing may follow a digest, not even nothing.
        if (known < block.byteLength) source.hash.update(block.subarray(known))
        source.hashed = Math.max(source.hashed, at)
        onHashed(source)
        await sending
        sending = channel.write(block, 'file bytes', signal, STALL_MS).then(() => onProgress(done))
        sending.catch(() => undefined)
      }
    }
    await sending
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** Read on, without sending it, what the receiver has and this process has not read. */
async function hashUpTo(source: Source, to: number, signal: AbortSignal): Promise<void> {
  const reader = source.blob.slice(source.hashed, to).stream().getReader()
  try {
    while (source.hashed < to) {
      const bytes = await abortable(readOn(reader), signal)
      source.hash.update(bytes)
      source.hashed += bytes.byteLength
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** A file given again, read as far as it was sent before. SOURCE_CHANGED when it is another one. */
export async function checkSource(blob: Blob, size: number, hash: IncrementalHash, prefix: Kept['prefix'], signal: AbortSignal): Promise<Source> {
  if (blob.size !== size) throw new MeshError('SOURCE_CHANGED', `this file has ${blob.size} bytes, the one that was being sent has ${size}`)
  const source: Source = { blob, hash, hashed: 0, sent: size }
  if (!prefix) return source
  await hashUpTo(source, prefix.at, signal)
  if (hash.peek() !== prefix.sha256) throw new MeshError('SOURCE_CHANGED', `the first ${prefix.at} bytes of this file are not those that were sent`)
  return source
}

/** The source's next bytes, in whatever size the platform reads: Chromium's are up to 2 MiB, which spares it a trip between processes per block. */
function readOn(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  const reading = reader.read().then(
    ({ done, value }) => {
      if (done) throw new MeshError('SOURCE_CHANGED', 'the file became shorter')
      return value
    },
    (cause: unknown) => {
      throw new MeshError('SOURCE_CHANGED', 'the file can no longer be read', { cause })
    },
  )
  reading.catch(() => undefined)
  return reading
}

function checkVerdict(verdict: Verdict, sha256: string): void {
  if (verdict.kind === 'stop') throw remoteStop(verdict.code)
  if (verdict.sha256 !== sha256) throw new MeshError('VERIFY_FAILED', 'the receiver has other bytes than were sent')
}
