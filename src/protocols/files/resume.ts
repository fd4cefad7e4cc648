/** A transfer outlives its stream: when the path under it is lost, the sender opens a new one and goes on where the receiver stopped. Must never take up what was cancelled, refused or never accepted. */
import { backoff } from '../../core/backoff.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { abortable, sleep, throwIfAborted, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type Channel, createChannel, isRemoteStop } from './channel.ts'
import { BACK_WAIT_MS, BLOCK, MAX_RESUMES, RESUME_MS, RESUME_RETRY, SLOW_RETRY_MS, STALL_MS, WAIT_EVERY_MS, WAIT_SHOWN_MS } from './limits.ts'
import { type Offer, offerJson } from './wire.ts'

/** One stream of a transfer. */
export interface Leg {
  readonly channel: Channel
  readonly path: PeerStream['path']
  /** Fires when the stream ends badly or the transfer is cancelled. */
  readonly signal: AbortSignal
  lose(error: MeshError): void
}

export interface Legs {
  /** Undefined while there is no path. */
  current(): Leg | undefined
  /** The receiver's: the sender came back on a new stream. */
  take(leg: Leg): void
  /** The leg that came and was not gone on with, once. Whoever asks owns it: its sender waits for an answer. */
  rest(): Leg | undefined
  /** `work` over one leg after the other. `done` = bytes so far: what moves may lose its path as often as paths change. */
  run<T>(work: (leg: Leg, resumed: boolean) => Promise<T>, done: () => number): Promise<T>
}

export interface LegsInit {
  /** Without it the next one is got at once. */
  readonly first?: Leg | undefined
  readonly clock: Clock
  readonly cancel: AbortSignal
  /** The sender's: open the next leg. `why` ended the one before, and over `idle` in a row nothing moved. Without it the next one is waited for. */
  readonly next?: (signal: AbortSignal, why: unknown, idle: number) => Promise<Leg>
  /** Whether what ended a leg leaves something to go on with. */
  readonly goesOn: (error: unknown) => boolean
  /** ms for which a next leg is wanted. */
  readonly patience: () => number
  /** There was no path for a while. */
  onWait(): void
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

export function createLegs({ first, clock, cancel, next, goesOn, patience, onWait }: LegsInit): Legs {
  let current = first
  let queued: Leg | undefined
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
  const another = (why: unknown, idle: number): Promise<Leg> => {
    const stopTelling = clock.after(WAIT_SHOWN_MS, onWait)
    const found = withDeadline(clock, patience(), 'another path', cancel, (signal) => (next ? next(signal, why, idle) : waitForNext(signal)))
    return found.finally(stopTelling).catch((late: unknown) => {
      throw cancel.aborted || why === undefined ? late : why
    })
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
    async run(work, done) {
      let before = done()
      let why: unknown
      for (let [idle, resumed] = [0, false]; ; resumed = true) {
        try {
          current ??= await another(why, idle)
          return await work(current, resumed)
        } catch (error) {
          if (done() - before < BLOCK) idle++
          else [before, idle] = [done(), 0]
          if (cancel.aborted || !current || !goesOn(error) || (!next && idle > MAX_RESUMES)) throw error
          drop(current, toMeshError(error))
          current = undefined
          why = error
        }
      }
    },
  }
}

/** The work is still busy, with a slow disk perhaps: says so now and then, or the sender would take it for dead. Never rejects. */
async function waitAloud({ channel, signal }: Leg, clock: Clock, taken: AbortSignal): Promise<void> {
  try {
    for (let ms = BACK_WAIT_MS; ; ms = WAIT_EVERY_MS) {
      await sleep(clock, ms, AbortSignal.any([signal, taken]))
      await channel.writeJson({ kind: 'wait' }, 'sign of life', signal, STALL_MS)
    }
  } catch {
    // It was taken, or whoever takes it finds out that it is dead.
  }
}

/** A leg that is gone on without: its stream must not stay, even when the other side never ends it. */
function drop(leg: Leg, lost: MeshError): void {
  leg.lose(lost)
  // A silence is no reason to tell: the other side would take it for the end of the transfer.
  void leg.channel.fail(lost.code === 'TIMEOUT' ? new MeshError('PATH_LOST', lost.message) : lost)
}

/** The path broke or fell silent, and nobody decided anything. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error)
  return (code === 'PATH_LOST' || code === 'STREAM_RESET' || code === 'TIMEOUT') && !isRemoteStop(error)
}

/** The other side stopped for now. */
export function isHold(error: unknown): boolean {
  const code = codeOf(error)
  return (code === 'PAUSED' || code === 'STORAGE_FULL') && isRemoteStop(error)
}

export interface ReopenOptions {
  readonly host: ProtocolHost
  readonly peer: string
  readonly what: Offer
  readonly cancel: AbortSignal
  /** Tells when it is worth to try before the time has come. */
  readonly woken?: (signal: AbortSignal) => Promise<void>
}

/** The sender's way to the next leg: offers the same again until the peer is reached, more slowly as time goes by. */
export function reopen({ host, peer, what, cancel, woken }: ReopenOptions): (signal: AbortSignal) => Promise<Leg> {
  const { clock, log } = host
  return async (signal) => {
    const since = clock.monotonic()
    for (let attempt = 0; ; attempt++) {
      let leg: Leg | undefined
      try {
        leg = openLeg(await host.open(peer, PROTOCOL.files, { signal }), clock, true, cancel)
        await leg.channel.writeJson(offerJson({ ...what, resume: true }), 'offer', signal, STALL_MS)
        return leg
      } catch (error) {
        if (leg) drop(leg, new MeshError('PATH_LOST', 'the offer could not be made again'))
        throwIfAborted(signal)
        log('files.resume.failed', { peer, code: codeOf(error), attempt }, 'debug')
        await sleep(clock, backoff(attempt + 1, Math.random(), RESUME_RETRY), signal)
        if (woken && clock.monotonic() - since > RESUME_MS) await nap(clock, SLOW_RETRY_MS, woken, signal)
      }
    }
  }
}

/** `ms`, or less when it is woken. */
export async function nap(clock: Clock, ms: number, woken: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const inner = AbortSignal.any([signal, over.signal])
  try {
    await Promise.race([sleep(clock, ms, inner), woken(inner)])
  } finally {
    over.abort()
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
