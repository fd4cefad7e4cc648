/** The sending end: offer, wait for the answer, bytes with their digest in one pass, verdict. Reads the source as it sends and never holds more than two reads of it. */
import type { IncrementalHash } from '../../core/stores.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { readOnce } from '../../shared/spent.ts'
import { type Channel, remoteStop } from './channel.ts'
import { ANSWER_MS, BLOCK, MAX_JSON, SILENCE_MS, STALL_MS, VERIFY_MS } from './limits.ts'
import type { Leg, Legs } from './resume.ts'
import { decodeAnswer, decodeVerdict, type Offer, offerJson, type Verdict } from './wire.ts'

export interface SendOptions {
  readonly legs: Legs
  readonly source: Blob
  readonly hash: IncrementalHash
  readonly clock: Clock
  /** Ends the transfer with what the receiver says. */
  stop(why: unknown): void
  /** Follow whether a better path comes for this leg. */
  prefer(leg: Leg): { ready(): void; end(): void }
  /** Of the offer, and each time the transfer goes on over another path. */
  onAccept(): void
  onProgress(done: number): void
  onVerify(): void
}

/** The first frame. */
export function sendOffer(channel: Channel, offer: Offer, signal: AbortSignal): Promise<void> {
  return channel.writeJson(offerJson(offer), 'offer', signal, STALL_MS)
}

/** What outlives a leg. */
interface Sent {
  /** Bytes that went into the hash. */
  hashed: number
  sha256?: string
}

/** Everything after the offer. Resolves with the SHA-256 that both sides have (lower-case hex), rejects with the reason. The caller ends the channel. */
export async function sendFile(options: SendOptions): Promise<string> {
  const sent: Sent = { hashed: 0 }
  const over = async (leg: Leg) => {
    const better = options.prefer(leg)
    return sendOver(options, leg, sent, better.ready).finally(better.end)
  }
  return options.legs.run(over, () => sent.hashed)
}

async function sendOver(options: SendOptions, leg: Leg, sent: Sent, accepted: () => void): Promise<string> {
  const { source, hash, clock } = options
  const { channel, signal } = leg
  const offset = await withDeadline(clock, ANSWER_MS + SILENCE_MS, 'answer to the offer', signal, (inner) => awaitAnswer(channel, inner, sent.hashed))
  options.onAccept()
  accepted()
  const verdict = channel.read(MAX_JSON, 'the verdict', signal).then(decodeVerdict)
  // A receiver that stops in the middle must not wait until our next write fails.
  verdict.then(
    (early) => early.kind === 'stop' && options.stop(remoteStop(early.code)),
    (error: unknown) => leg.lose(toMeshError(error)),
  )
  await sendBytes(options, leg, offset, sent)
  sent.sha256 ??= hash.digest()
  const { sha256 } = sent
  await channel.write(new Uint8Array(0), 'end of file', signal, STALL_MS)
  await channel.writeJson({ kind: 'digest', sha256 }, 'digest', signal, STALL_MS)
  options.onVerify()
  checkVerdict(await withDeadline(clock, VERIFY_MS, 'verification by the receiver', signal, () => verdict), sha256)
  options.onProgress(source.size)
  return sha256
}

/** Waits through `wait` frames. Bytes that the receiver has already, of those `sent`. */
async function awaitAnswer(channel: Channel, signal: AbortSignal, sent: number): Promise<number> {
  for (;;) {
    const answer = decodeAnswer(await channel.read(MAX_JSON, 'the answer', signal, SILENCE_MS))
    if (answer.kind === 'stop') throw remoteStop(answer.code)
    if (answer.kind === 'wait') continue
    if (answer.offset > sent) throw new MeshError('BAD_FRAME', 'the receiver wants to resume what was never sent')
    return answer.offset
  }
}

/** Hashes a block while the one before it is being sent and the bytes behind it are being read. `from` = bytes that the receiver has. */
async function sendBytes({ source, hash, onProgress }: SendOptions, { channel, signal }: Leg, from: number, sent: Sent): Promise<void> {
  const reader = (from > 0 ? source.slice(from) : source).stream().getReader()
  let sending: Promise<void> = Promise.resolve()
  try {
    let at = from
    for (let next = readOn(reader); at < source.size; ) {
      const bytes = await abortable(next, signal)
      next = readOn(reader)
      // Each block is handed to the stream after it was hashed, and in order.
      readOnce(bytes)
      for (let start = 0; start < bytes.byteLength; start += BLOCK) {
        const block = bytes.subarray(start, start + BLOCK)
        // What is sent again was hashed before.
        const known = Math.min(Math.max(0, sent.hashed - at), block.byteLength)
        at += block.byteLength
        const done = at
        // Nothing may follow a digest, not even nothing.
        if (known < block.byteLength) hash.update(block.subarray(known))
        sent.hashed = Math.max(sent.hashed, at)
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
