/** What is said on a leg that is not gone on with: a cancellation, a verdict again, a refusal, and the wish of a receiver to go on. */
import type { ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { codeOf, type ErrorCode, type MeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { remoteStop } from './channel.ts'
import { GOODBYE_MS, MAX_GOODBYES, MAX_JSON, RESUME_MS, SILENCE_MS, STALL_MS } from './limits.ts'
import { type Leg, openLeg, reopen } from './resume.ts'
import { decodeAnswer, decodeTrailer, type Offer, wantJson } from './wire.ts'

/** Tells a receiver that still waits for another path that its transfer was cancelled here. Never rejects. */
export type Goodbye = (peer: string, what: Offer, reason: MeshError) => Promise<void>

/** Each goodbye looks for a path for as long as the receiver does, until `signal` fires. */
export function createGoodbye(host: ProtocolHost, signal: AbortSignal): Goodbye {
  let waiting = 0
  return async (peer, what, reason) => {
    if (waiting >= MAX_GOODBYES || signal.aborted) return
    waiting++
    try {
      const leg = await withDeadline(host.clock, RESUME_MS, 'a path for the goodbye', signal, reopen({ host, peer, what, cancel: signal }))
      await leg.channel.fail(reason)
    } catch (error) {
      host.log('files.goodbye.failed', { peer, code: codeOf(error) }, 'debug')
    } finally {
      waiting--
    }
  }
}

/** For a sender that lost the path before it heard that all is well: `sha256` is what lies here. */
export async function confirmDone({ channel, signal }: Leg, size: number, sha256: string): Promise<void> {
  await channel.writeJson({ kind: 'accept', offset: size }, 'acceptance', signal, STALL_MS)
  await channel.read(0, 'the end', signal, STALL_MS)
  decodeTrailer(await channel.read(MAX_JSON, 'the digest', signal, STALL_MS))
  await channel.writeJson({ kind: 'done', sha256 }, 'verdict', signal, GOODBYE_MS)
  await channel.end()
}

/** For a sender that goes on with what is not under way here: `code` is how it ended, where that is known. */
export async function refuseResume({ channel, signal }: Leg, code: ErrorCode = 'PATH_LOST'): Promise<void> {
  await channel.writeJson({ kind: 'stop', code }, 'goodbye', signal, GOODBYE_MS).catch(() => undefined)
  await channel.end()
}

/** For a sender that comes back to what is paused here. Resolves to true when it came to cancel it. */
export async function refuseForNow({ channel, signal }: Leg, code: ErrorCode): Promise<boolean> {
  await channel.writeJson({ kind: 'stop', code }, 'goodbye', signal, GOODBYE_MS).catch(() => undefined)
  const cancelled = async () => {
    await channel.read(0, 'the end', signal, GOODBYE_MS)
    const said = decodeTrailer(await channel.read(MAX_JSON, 'the end', signal, GOODBYE_MS))
    return said.kind === 'stop' && said.code === 'ABORTED'
  }
  // One that comes to go on ends its stream without a word.
  const came = await cancelled().catch(() => false)
  await channel.end()
  return came
}

/** Tells a sender that what it offered as `remote` can go on. Rejects with what it says where it no longer has it. */
export async function askFor(host: ProtocolHost, peer: string, remote: string, cancel: AbortSignal): Promise<void> {
  const { channel, signal } = openLeg(await host.open(peer, PROTOCOL.files, { signal: cancel }), host.clock, false, cancel)
  await channel.writeJson(wantJson(remote), 'wish to go on', signal, STALL_MS)
  const answer = decodeAnswer(await channel.read(MAX_JSON, 'the answer', signal, SILENCE_MS))
  await channel.end()
  if (answer.kind === 'stop') throw remoteStop(answer.code)
}
