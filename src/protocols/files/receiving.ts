/** Transfers of others: offered, stored after a yes, held while the sender is away, the disk is full or one of both paused, and taken up again behind what lies here. */
import type { TransferInfo } from '../../core/mesh.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import { admit } from './admit.ts'
import { isRemoteStop, remoteStop } from './channel.ts'
import type { Outcome } from './comebacks.ts'
import { askFor, confirmDone, refuseForNow, refuseResume } from './farewell.ts'
import { GOODBYE_MS, RESUME_MS, SPACE_EVERY_MS } from './limits.ts'
import { createLegs, isHold, isLost, type Leg, type Legs, openLeg } from './resume.ts'
import { newInfo, type Room } from './room.ts'
import { readOpening, receiveFile, storeFile } from './server.ts'
import { isHeld, reasonOf } from './transfers.ts'
import type { Offer } from './wire.ts'

/** A stream that a peer opened. Owns it. */
export async function serve(room: Room, stream: PeerStream, uncount?: () => void): Promise<void> {
  const { host, transfers, live } = room
  const controller = new AbortController()
  const first = openLeg(stream, host.clock, false, controller.signal)
  const id = room.newId()
  live.set(id, { controller })
  let what: Offer
  try {
    const arrived = uncount ? undefined : room.comebacks.come(stream.peer)
    const read = room.ready().then(() => readOpening(first.channel, first.signal))
    const opening = await read.finally(arrived)
    if (!uncount && !(opening.kind === 'offer' && opening.offer.resume)) throw new MeshError('LIMIT_REACHED', 'one offer more than the policy allows')
    if (opening.kind === 'want' || opening.offer.resume) {
      live.delete(id)
      return await (opening.kind === 'want' ? answerWant(room, stream.peer, opening.id, first) : goOn(room, stream, opening.offer, first, uncount))
    }
    what = opening.offer
    const loser = admit(transfers, stream.peer)
    if (loser) live.get(loser)?.controller.abort(new MeshError('LIMIT_REACHED', 'too many offers wait for an answer'))
  } catch (error) {
    live.delete(id)
    const reason = reasonOf(error, first.signal)
    host.log('files.offer.refused', { peer: stream.peer, code: reason.code })
    return first.channel.fail(reason)
  }
  await receiveNew(room, stream, what, first, { id, controller })
}

interface Ours {
  readonly id: string
  readonly controller: AbortController
}

async function receiveNew(room: Room, stream: PeerStream, what: Offer, first: Leg, ours: Ours): Promise<void> {
  const { transfers, live, host } = room
  const { id, controller } = ours
  const decision = Promise.withResolvers<void>()
  decision.promise.catch(() => undefined)
  let pending = true
  const settle = (end: () => void) => {
    pending = false
    end()
  }
  live.set(id, {
    controller,
    decide: {
      accept: () => settle(decision.resolve),
      decline: () => settle(() => decision.reject(new MeshError('DECLINED', 'declined here'))),
      pending: () => pending,
    },
  })
  const info = newInfo(room, id, stream.peer, 'in', what)
  transfers.add(info, { remote: what.id, moved: info.at })
  host.bus.emit('fileoffer', info)
  void decision.promise.then(
    () => host.keep(stream),
    () => undefined,
  )
  await receive(room, info, what, ours, first, (options, leg) => receiveFile(options, leg as Leg, decision.promise))
}

type Options = Parameters<typeof receiveFile>[0]

/** One run of it. Never rejects. */
async function receive(
  room: Room,
  info: TransferInfo,
  what: Offer,
  { id, controller }: Ours,
  first: Leg | undefined,
  work: (options: Options, first: Leg | undefined) => Promise<string>,
): Promise<void> {
  const { host, transfers } = room
  const { signal: cancel } = controller
  const accepted = () => transfers.get(id)?.status !== 'offered'
  const holds = (error: unknown) => accepted() && holdOf(room, error, cancel) !== undefined
  const legs = createLegs({
    first,
    clock: host.clock,
    cancel,
    goesOn: (error) => isLost(error) && accepted(),
    patience: () => RESUME_MS,
    onWait: () => transfers.turn(id, 'waiting'),
  })
  const over = room.comebacks.add(info.peer, what, legs)
  const options: Options = {
    legs,
    files: room.files,
    clock: host.clock,
    offer: what,
    id,
    cancel,
    holds,
    onAccept: (offset) => transfers.turn(id, 'running', { done: offset, ...(offset > 0 ? { resumedAt: offset } : {}) }),
    onProgress: (done) => transfers.progress(id, done),
    onVerify: () => transfers.turn(id, 'verifying'),
  }
  const outcome = await settle(room, info, legs, cancel, holds, work(options, first))
  // It came back too late for this run.
  const late = over(outcome, accepted())
  if (late && outcome === 'held') await revive(room, info.peer, what, late)
}

/** The end of one run: the status, the log line, the end of the stream. Never rejects. */
async function settle(
  room: Room,
  { id, size }: TransferInfo,
  legs: Legs,
  cancel: AbortSignal,
  holds: (error: unknown) => boolean,
  work: Promise<string>,
): Promise<Outcome> {
  const { host, transfers, live } = room
  try {
    const sha256 = await work
    live.delete(id)
    transfers.turn(id, 'done', { sha256, done: size })
    host.log('files.transfer.done', { id })
    await legs.current()?.channel.end()
    return { sha256 }
  } catch (error) {
    live.delete(id)
    const reason = reasonOf(error, cancel)
    const hold = holds(error) ? holdOf(room, error, cancel) : undefined
    if (hold) transfers.turn(id, hold.status, hold)
    else transfers.fail(id, reason)
    host.log('files.transfer.ended', { id, code: reason.code })
    if (hold?.problem) watchSpace(room)
    const told = hold?.status === 'waiting' ? new MeshError('PATH_LOST', 'it goes on later', { cause: reason }) : reason
    await legs.current()?.channel.fail(told)
    return hold ? 'held' : { code: reason.code }
  }
}

/** How a run that ended with `error` is held, or undefined when it has failed. */
function holdOf(room: Room, error: unknown, cancel: AbortSignal): Pick<TransferInfo, 'status' | 'pausedBy' | 'problem'> | undefined {
  const { code, message } = reasonOf(error, cancel)
  if (isHold(error)) return { status: 'paused', pausedBy: 'them' }
  if (isRemoteStop(error)) return undefined
  if (code === 'PAUSED') return { status: 'paused', pausedBy: 'me' }
  if (code === 'STORAGE_FULL') return { status: 'paused', pausedBy: 'me', problem: { code, message } }
  return room.signal.aborted || isLost(error) || code === 'WORKER_GONE' ? { status: 'waiting' } : undefined
}

/** A sender is back. Owns the leg. */
async function goOn(room: Room, stream: PeerStream, what: Offer, leg: Leg, uncount?: () => void): Promise<void> {
  const { comebacks, host } = room
  const known = comebacks.find(stream.peer, what) ?? held(room, stream.peer, what)
  // The offer was counted when it was made. One of what is not known here counts as a new one.
  if (known !== undefined) uncount?.()
  host.log('files.resumed', { peer: stream.peer, known: known !== undefined })
  if (known === undefined) return refuseResume(leg)
  if ('take' in known) {
    host.keep(stream)
    return known.take(leg)
  }
  if ('code' in known) return refuseResume(leg, known.code)
  if ('status' in known && isOurPause(known)) {
    const cancelled = await refuseForNow(leg, known.problem ? 'STORAGE_FULL' : 'PAUSED')
    if (cancelled && room.transfers.get(known.id)?.status === 'paused') drop(room, known.id, remoteStop('ABORTED'))
    return
  }
  host.keep(stream)
  if ('status' in known) return revive(room, stream.peer, what, leg)
  await confirmDone(leg, what.size, known.sha256)
}

function isOurPause({ status, pausedBy }: TransferInfo): boolean {
  return status === 'paused' && pausedBy !== 'them'
}

/** It goes on no more, and nothing of it is left. */
function drop({ transfers, files, host }: Room, id: string, why: MeshError): void {
  transfers.fail(id, why)
  files.remove(id).catch((error: unknown) => host.log('files.remove.failed', { id, code: codeOf(error) }, 'warn'))
}

/** What is kept of an earlier run: the transfer when it is held, else how it ended. */
function held({ transfers }: Room, peer: string, { id: remote, size }: Offer): TransferInfo | Exclude<Outcome, 'held'> | undefined {
  const info = transfers
    .list()
    .find((one) => one.direction === 'in' && one.peer === peer && one.size === size && transfers.kept(one.id)?.remote === remote)
  if (info && isHeld(info)) return info
  if (info?.status === 'done' && info.sha256 !== undefined) return { sha256: info.sha256 }
  return info?.status === 'cancelled' ? { code: 'ABORTED' } : undefined
}

/** The next run of it, over `leg` first. */
async function revive(room: Room, peer: string, what: Offer, leg: Leg): Promise<void> {
  if (room.signal.aborted) return leg.channel.fail(new MeshError('PATH_LOST', 'this device leaves the mesh'))
  const info = held(room, peer, what)
  if (!info || !('status' in info)) return refuseResume(leg, info && 'code' in info ? info.code : undefined)
  if (isOurPause(info)) return refuseResume(leg, info.problem ? 'STORAGE_FULL' : 'PAUSED')
  const controller = new AbortController()
  const { id } = info
  room.live.set(id, { controller })
  await receive(room, info, what, { id, controller }, undefined, (options) => {
    // It is read again up to here first, during which the sender is told to wait.
    options.legs.take(leg)
    return storeFile(options, true)
  })
}

/** Tells a receiver whether there is something to wait for, and goes on with it. */
async function answerWant({ transfers, wakes }: Room, peer: string, id: string, leg: Leg): Promise<void> {
  const { channel, signal } = leg
  const info = transfers.get(id)
  if (info?.direction !== 'out' || info.peer !== peer || !(isHeld(info) || info.status === 'running'))
    return refuseResume(leg, info?.status === 'cancelled' ? 'ABORTED' : 'PATH_LOST')
  wakes.wake(id)
  await channel.writeJson({ kind: 'wait' }, 'answer', signal, GOODBYE_MS)
  await channel.end()
}

/** Let the sender of what is held here go on, now if it is there, else when it comes back. */
export function resumeReceiving(room: Room, info: TransferInfo): void {
  const { transfers, host, live } = room
  if (!isHeld(info)) throw new MeshError('BAD_ARGUMENT', 'this transfer is neither paused nor waiting')
  const { id, peer, pausedBy } = info
  if (live.has(id)) return
  if (pausedBy !== 'them') transfers.turn(id, 'waiting')
  const remote = transfers.kept(id)?.remote ?? ''
  askFor(host, peer, remote, room.signal).catch((error: unknown) => {
    host.log('files.want.failed', { id, code: codeOf(error) }, 'debug')
    if (!isRemoteStop(error) || live.has(id) || transfers.get(id)?.status !== 'waiting') return
    drop(room, id, toMeshError(error))
  })
}

const watching = new WeakSet<Room>()

/** While something is paused for want of space: goes on with it as soon as the rest of it fits. */
export function watchSpace(room: Room): void {
  const { host, transfers, files, signal } = room
  const short = () => transfers.list().filter((info) => info.direction === 'in' && info.status === 'paused' && info.problem?.code === 'STORAGE_FULL')
  if (watching.has(room) || signal.aborted || short().length === 0) return
  watching.add(room)
  const look = async () => {
    const { free } = await files.estimate()
    for (const info of short()) if (free !== undefined && free >= info.size - info.done) resumeReceiving(room, info)
  }
  const cancel = host.clock.after(SPACE_EVERY_MS, () => {
    signal.removeEventListener('abort', cancel)
    look()
      .catch((error: unknown) => host.log('files.space.failed', { code: codeOf(error) }, 'debug'))
      .finally(() => {
        watching.delete(room)
        watchSpace(room)
      })
  })
  signal.addEventListener('abort', cancel, { once: true })
}
