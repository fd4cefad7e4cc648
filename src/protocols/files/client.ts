/** The sending end: offer, wait for the answer, bytes with their digest in one pass, verdict. Pulls the source by range and never holds more than a few blocks of it. */
import type { IncrementalHash } from '../../core/stores.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { readOnce } from '../../shared/spent.ts'
import { type Channel, remoteStop } from './channel.ts'
import { ANSWER_MS, BLOCK, MAX_JSON, SILENCE_MS, STALL_MS, VERIFY_MS } from './limits.ts'
import { decodeAnswer, decodeVerdict, type Offer, offerJson, type Verdict } from './wire.ts'

export interface SendOptions {
  readonly channel: Channel
  readonly source: Blob
  readonly hash: IncrementalHash
  readonly clock: Clock
  /** Fires on cancel; `stop` fires it for what the receiver says. */
  readonly signal: AbortSignal
  stop(why: unknown): void
  onAccept(): void
  onProgress(done: number): void
  onVerify(): void
}

/** The first frame. */
export function sendOffer(channel: Channel, offer: Offer, signal: AbortSignal): Promise<void> {
  return channel.writeJson(offerJson(offer), 'offer', signal, STALL_MS)
}

/** Everything after the offer. Resolves with the SHA-256 that both sides have (lower-case hex), rejects with the reason. The caller ends the channel. */
export async function sendFile(options: SendOptions): Promise<string> {
  const { channel, source, hash, signal, clock } = options
  await withDeadline(clock, ANSWER_MS + SILENCE_MS, 'answer to the offer', signal, (inner) => awaitAnswer(channel, inner))
  options.onAccept()
  const verdict = channel.read(MAX_JSON, 'the verdict', signal).then(decodeVerdict)
  // A receiver that stops in the middle must not wait until our next write fails.
  verdict.catch(options.stop)
  verdict.then(
    (early) => early.kind === 'stop' && options.stop(remoteStop(early.code)),
    () => undefined,
  )
  await sendBytes(options)
  const sha256 = hash.digest()
  await channel.write(new Uint8Array(0), 'end of file', signal, STALL_MS)
  await channel.writeJson({ kind: 'digest', sha256 }, 'digest', signal, STALL_MS)
  options.onVerify()
  checkVerdict(await withDeadline(clock, VERIFY_MS, 'verification by the receiver', signal, () => verdict), sha256)
  options.onProgress(source.size)
  return sha256
}

/** Waits through `wait` frames. A version of ours that resumes will look at the offset; this one asked for nothing. */
async function awaitAnswer(channel: Channel, signal: AbortSignal): Promise<void> {
  for (;;) {
    const answer = decodeAnswer(await channel.read(MAX_JSON, 'the answer', signal, SILENCE_MS))
    if (answer.kind === 'stop') throw remoteStop(answer.code)
    if (answer.kind === 'wait') continue
    if (answer.offset !== 0) throw new MeshError('BAD_FRAME', 'the receiver wants to resume what was never sent')
    return
  }
}

/** Hashes a block while the one before it is being sent and the bytes behind it are being read. */
async function sendBytes({ channel, source, hash, signal, onProgress }: SendOptions): Promise<void> {
  const reader = source.stream().getReader()
  let sending: Promise<void> = Promise.resolve()
  try {
    let at = 0
    for (let next = readOn(reader); at < source.size; ) {
      const bytes = await abortable(next, signal)
      next = readOn(reader)
      // Each block is handed to the stream after it was hashed, and in order.
      readOnce(bytes)
      for (let from = 0; from < bytes.byteLength; from += BLOCK) {
        const block = bytes.subarray(from, from + BLOCK)
        at += block.byteLength
        const done = at
        hash.update(block)
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
