/** Transfers of ours: offered, sent, held while the other side is away or one of both paused, and taken up again with the file in hand. */

import { backoff } from '../../core/backoff.ts'
import type { FilesApi, TransferInfo } from '../../core/mesh.ts'
import { sleep, throwIfAborted } from '../../shared/async.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { checkSource, type SendOptions, type Source, sendFile, sendOffer } from './client.ts'
import { CHECK_EVERY, HOLD_RETRY_MS, IDLE_RETRY, KEEP_MS, MAX_ACTIVE, MAX_FILE, RESUME_MS, WAIT_MS } from './limits.ts'
import { safeName } from './name.ts'
import { createLegs, isHold, isLost, type Leg, type Legs, nap, openLeg, preferBest, reopen } from './resume.ts'
import { count, newInfo, offerOf, type Room } from './room.ts'
import { isHeld, reasonOf } from './transfers.ts'
import { type Offer, safeType } from './wire.ts'

type Named = Blob & { readonly name?: string; readonly lastModified?: number }

export async function offer(room: Room, peer: string, blob: Named, options: Parameters<FilesApi['offer']>[2] = {}): Promise<string> {
  const { host, transfers } = room
  await room.ready()
  throwIfAborted(options.signal)
  if (blob.size > MAX_FILE) throw new MeshError('BAD_ARGUMENT', `a file of ${blob.size} bytes; the most is ${MAX_FILE}`)
  if (count(room, 'out') >= MAX_ACTIVE) throw new MeshError('LIMIT_REACHED', `${MAX_ACTIVE} transfers are under way`)
  const id = room.newId()
  const mtime = blob.lastModified
  const what: Offer = {
    id,
    name: safeName(options.name ?? blob.name ?? ''),
    size: blob.size,
    type: safeType(blob.type),
    ...(mtime !== undefined && Number.isSafeInteger(mtime) && mtime >= 0 ? { mtime } : {}),
  }
  const stream = await host.open(peer, PROTOCOL.files, options.signal ? { signal: options.signal } : {})
  const controller = new AbortController()
  const first = openLeg(stream, host.clock, true, controller.signal)
  try {
    await sendOffer(first.channel, what, options.signal ?? controller.signal)
  } catch (error) {
    stream.abort(error)
    throw error
  }
  const info = newInfo(room, id, peer, 'out', what)
  transfers.add(info, { remote: id, moved: info.at, ...(what.mtime === undefined ? {} : { mtime: what.mtime }) })
  send(room, info, { blob, hash: room.sha256(), hashed: 0, sent: 0 }, controller, first)
  return id
}

/** Go on with what is held. Undefined source: the one that this process still has. */
export async function resumeSending(room: Room, info: TransferInfo, blob: Blob | undefined): Promise<void> {
  const { transfers, live, sources } = room
  const { id, size, status, done } = info
  if (status === 'verifying' || !(isHeld(info) || live.has(id))) throw new MeshError('BAD_ARGUMENT', 'this transfer is neither paused nor waiting')
  // It is under way, or waits for the other side only.
  if (live.has(id)) return room.wakes.wake(id)
  const controller = new AbortController()
  let source = sources.get(id)
  if (!source) {
    if (!blob) throw new MeshError('BAD_ARGUMENT', 'the file is needed again')
    live.set(id, { controller })
    transfers.turn(id, 'verifying', { done })
    try {
      source = await checkSource(blob, size, room.sha256(), transfers.kept(id)?.prefix, AbortSignal.any([controller.signal, room.signal]))
    } catch (error) {
      live.delete(id)
      const own = reasonOf(error, controller.signal)
      if (codeOf(own) === 'ABORTED') transfers.fail(id, own)
      else transfers.turn(id, 'waiting', { needs: 'source', problem: { code: own.code, message: own.message } })
      throw own
    }
  }
  transfers.turn(id, 'waiting', { done })
  send(room, info, source, controller)
}

/** From here to the end of one run of it. Without `first` it has been accepted before. */
function send(room: Room, info: TransferInfo, source: Source, controller: AbortController, first?: Leg): void {
  const { host, transfers, live, sources } = room
  const { id, peer } = info
  const { signal: cancel } = controller
  live.set(id, { controller })
  sources.set(id, source)
  const offered = () => transfers.get(id)?.status === 'offered'
  const what = offerOf(room, info)
  const legs = createLegs({
    first,
    clock: host.clock,
    cancel,
    // Its acceptance may be what the lost path carried: the receiver knows, and refuses what it did not accept.
    goesOn: (error) => (isLost(error) && !(offered() && codeOf(error) === 'TIMEOUT')) || (isHold(error) && !offered()),
    patience: () => (offered() ? RESUME_MS : WAIT_MS),
    next: nextLeg(room, info, what, cancel),
    onWait: () => transfers.get(id)?.status !== 'paused' && !offered() && transfers.turn(id, 'waiting'),
  })
  const options: SendOptions = {
    legs,
    source,
    clock: host.clock,
    isBack: () => !offered(),
    stop: (why) => controller.abort(why),
    prefer: (leg) => preferBest(host, peer, leg),
    onAccept: (offset) => transfers.turn(id, 'running', { done: offset, ...(offset > 0 ? { resumedAt: offset } : {}) }),
    onProgress: (done) => transfers.progress(id, done),
    onVerify: () => transfers.turn(id, 'verifying'),
    onHashed: checks(room, id),
  }
  void run(room, info, what, legs, cancel, options)
}

async function run(room: Room, { id, peer, size }: TransferInfo, what: Offer, legs: Legs, cancel: AbortSignal, options: SendOptions): Promise<void> {
  const { host, transfers, live, sources } = room
  try {
    const sha256 = await sendFile(options)
    live.delete(id)
    sources.delete(id)
    transfers.turn(id, 'done', { sha256, done: size })
    host.log('files.transfer.done', { id })
    await legs.current()?.channel.end()
  } catch (error) {
    live.delete(id)
    const reason = reasonOf(error, cancel)
    const accepted = transfers.get(id)?.status !== 'offered'
    if (reason.code === 'PAUSED' && accepted) transfers.turn(id, 'paused', { pausedBy: 'me' })
    else if (room.signal.aborted && accepted) transfers.turn(id, 'waiting')
    else {
      sources.delete(id)
      transfers.fail(id, reason)
    }
    host.log('files.transfer.ended', { id, code: reason.code })
    const leg = legs.current()
    await leg?.channel.fail(reason)
    // Cancelled while there was no path: the receiver would wait for one.
    if (!leg && codeOf(cancel.reason) === 'ABORTED') void room.goodbye(peer, what, toMeshError(cancel.reason))
  }
}

/** Where the receiver stopped for now it is left alone until it says so, its device is seen, or some time is over. */
function nextLeg(room: Room, { id, peer }: TransferInfo, what: Offer, cancel: AbortSignal) {
  const { host, transfers, wakes } = room
  const woken = (signal: AbortSignal) => wakes.wait(id, peer, signal)
  const open = reopen({ host, peer, what, cancel, woken })
  return async (signal: AbortSignal, why: unknown, idle: number): Promise<Leg> => {
    if (isHold(why)) {
      const { code, message } = toMeshError(why)
      transfers.turn(id, 'paused', { pausedBy: 'them', ...(code === 'PAUSED' ? {} : { problem: { code, message } }) })
      await nap(host.clock, HOLD_RETRY_MS, woken, signal)
    } else if (idle > 1) await sleep(host.clock, backoff(idle - 1, Math.random(), IDLE_RETRY), signal)
    return open(signal)
  }
}

/** Keeps now and then by what the file is known again after a restart. */
function checks({ transfers, host: { clock } }: Room, id: string): (source: Source) => void {
  let at = 0
  let keptAt = clock.monotonic()
  return ({ hashed, hash, sha256 }) => {
    if (hashed - at < CHECK_EVERY || clock.monotonic() - keptAt < KEEP_MS || sha256 !== undefined) return
    at = hashed
    keptAt = clock.monotonic()
    transfers.check(id, { at, sha256: hash.peek() })
  }
}
