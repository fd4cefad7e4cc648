/** A transfer outlives its stream: when the path under it is lost, the sender opens a new one and goes on where the receiver stopped. Must never take up what was cancelled, refused or never accepted. */
import { backoff } from '../../core/backoff.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { abortable, sleep, throwIfAborted, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, type ErrorCode, MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type Channel, createChannel, isRemoteStop } from './channel.ts'
import { BLOCK, GOODBYE_MS, MAX_GOODBYES, MAX_JSON, MAX_RESUMES, RESUME_MS, RESUME_RETRY, STALL_MS, WAIT_EVERY_MS } from './limits.ts'
import { decodeTrailer, type Offer, offerJson } from './wire.ts'

/** One stream of a transfer. */
export interface Leg {
  readonly channel: Channel
  readonly path: PeerStream['path']
  /** Fires when the stream ends badly or the transfer is cancelled. */
  readonly signal: AbortSignal
  lose(error: MeshError): void
}

export interface Legs {
  current(): Leg
  /** The receiver's: the sender came back on a new stream. */
  take(leg: Leg): void
  /** The leg that came and was not gone on with, once. Whoever asks owns it: its sender waits for an answer. */
  rest(): Leg | undefined
  /** True while there is no path: the current leg is gone and no other has come. */
  lost(): boolean
  /** `work` over one leg after the other while paths are lost, from the acceptance on. `done` = bytes so far: what moves may lose its path as often as paths change. */
  run<T>(work: (leg: Leg, resumed: boolean) => Promise<T>, done: () => number): Promise<T>
}

export interface LegsInit {
  readonly first: Leg
  readonly clock: Clock
  readonly cancel: AbortSignal
  /** The sender's: open the next leg. Without it the next one is waited for. */
  readonly next?: (signal: AbortSignal) => Promise<Leg>
  /** False until there is something to go on with. */
  readonly accepted: () => boolean
}

/** A dead stream ends its leg at once, even while the transfer waits for something else, such as the disk. */
export function openLeg(stream: PeerStream, clock: Clock, stopPrefix: boolean, cancel: AbortSignal): Leg {
  const own = new AbortController()
  stream.closed.catch((error: unknown) => own.abort(toMeshError(error, 'PATH_LOST')))
  return {
    channel: createChannel(stream, clock, stopPrefix),
    path: stream.path,
    signal: AbortSignal.any([cancel, own.signal]),
    lose: (error) => own.abort(error),
  }
}

export function createLegs({ first, clock, cancel, next, accepted }: LegsInit): Legs {
  let current = first
  let queued: Leg | undefined
  let between = false
  let wake: (() => void) | undefined
  let hush = new AbortController()
  const unqueue = (): Leg | undefined => {
    const leg = queued
    queued = undefined
    hush.abort()
    return leg
  }
  const waitForNext = async (signal: AbortSignal): Promise<Leg> => {
    for (;;) {
      const leg = unqueue()
      if (leg) return leg
      await abortable(new Promise<void>((resolve) => (wake = resolve)), signal)
    }
  }
  return {
    current: () => current,
    take(leg) {
      const replaced = new MeshError('PATH_LOST', 'the sender came back on another stream')
      for (const old of [current, queued]) if (old) drop(old, replaced)
      hush.abort()
      hush = new AbortController()
      queued = leg
      void waitAloud(leg, clock, hush.signal)
      wake?.()
    },
    rest: unqueue,
    lost: () => between,
    async run(work, done) {
      let before = done()
      for (let [resumes, resumed] = [0, false]; ; resumes++, resumed = true) {
        try {
          return await work(current, resumed)
        } catch (error) {
          if (done() - before >= BLOCK) {
            before = done()
            resumes = 0
          }
          if (cancel.aborted || !accepted() || !isLost(error) || resumes === MAX_RESUMES) throw error
          drop(current, toMeshError(error))
          between = true
          current = await withDeadline(clock, RESUME_MS, 'another path', cancel, next ?? waitForNext).catch((late: unknown) => {
            throw cancel.aborted ? late : error
          })
          between = false
        }
      }
    },
  }
}

/** The work is still busy, with a slow disk perhaps: says so now and then, or the sender would take it for dead. Never rejects. */
async function waitAloud({ channel, signal }: Leg, clock: Clock, taken: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await sleep(clock, WAIT_EVERY_MS, AbortSignal.any([signal, taken]))
      await channel.writeJson({ kind: 'wait' }, 'sign of life', signal, STALL_MS)
    }
  } catch {
    // It was taken, or whoever takes it finds out that it is dead.
  }
}

/** A leg that is gone on without: its stream must not stay, even when the other side never ends it. */
function drop(leg: Leg, lost: MeshError): void {
  leg.lose(lost)
  void leg.channel.fail(lost)
}

/** The path broke, and nobody decided anything. */
function isLost(error: unknown): boolean {
  const code = codeOf(error)
  return (code === 'PATH_LOST' || code === 'STREAM_RESET') && !isRemoteStop(error)
}

/** The sender's way to the next leg: offers the same again until the peer is reached. */
export function reopen(host: ProtocolHost, peer: string, what: Offer, cancel: AbortSignal): (signal: AbortSignal) => Promise<Leg> {
  return async (signal) => {
    for (let attempt = 0; ; attempt++) {
      let leg: Leg | undefined
      try {
        leg = openLeg(await host.open(peer, PROTOCOL.files, { signal }), host.clock, true, cancel)
        await leg.channel.writeJson(offerJson({ ...what, resume: true }), 'offer', signal, STALL_MS)
        return leg
      } catch (error) {
        if (leg) drop(leg, new MeshError('PATH_LOST', 'the offer could not be made again'))
        throwIfAborted(signal)
        host.log('files.resume.failed', { peer, code: codeOf(error), attempt }, 'debug')
        await sleep(host.clock, backoff(attempt + 1, Math.random(), RESUME_RETRY), signal)
      }
    }
  }
}

/** Tells a receiver that still waits for another path that its transfer was cancelled here. Never rejects. */
export type Goodbye = (peer: string, what: Offer, reason: MeshError) => Promise<void>

/** Each goodbye looks for a path for as long as the receiver does, until `signal` fires. */
export function createGoodbye(host: ProtocolHost, signal: AbortSignal): Goodbye {
  let waiting = 0
  return async (peer, what, reason) => {
    if (waiting >= MAX_GOODBYES || signal.aborted) return
    waiting++
    try {
      const leg = await withDeadline(host.clock, RESUME_MS, 'a path for the goodbye', signal, reopen(host, peer, what, signal))
      await leg.channel.fail(reason)
    } catch (error) {
      host.log('files.goodbye.failed', { peer, code: codeOf(error) }, 'debug')
    } finally {
      waiting--
    }
  }
}

/** The sender's: lets go of a leg when another path to the peer is better now, so that the next one takes that: a direct one came, or fell silent. Only from `ready()` on: an offer nobody answered cannot go on. */
export function preferBest(host: ProtocolHost, peer: string, leg: Leg): { ready(): void; end(): void } {
  const over = new AbortController()
  let ready = false
  let best = leg.path
  const look = () => {
    if (ready && best !== leg.path) leg.lose(new MeshError('PATH_LOST', `the peer is reached ${best} now`))
  }
  host.bus.on(
    'peerchange',
    ({ id, path }) => {
      if (id !== peer || path === 'away') return
      best = path
      look()
    },
    { signal: over.signal },
  )
  return {
    ready() {
      ready = true
      look()
    },
    end: () => over.abort(),
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
