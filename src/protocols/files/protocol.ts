/** The file protocol's door: offers and transfers both ways behind FilesService (core/protocol.ts). No content moves before the receiver accepts. */
import type { TransferInfo } from '../../core/mesh.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { FilesService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import type { FileStore, IncrementalHash, RecordStore } from '../../core/stores.ts'
import { singleFlight, throwIfAborted } from '../../shared/async.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { admit } from './admit.ts'
import { sendFile, sendOffer } from './client.ts'
import { type Comebacks, createComebacks, type Outcome } from './comebacks.ts'
import { MAX_ACTIVE, MAX_FILE } from './limits.ts'
import { safeName } from './name.ts'
import { createGoodbye, createLegs, type Goodbye, type Legs, openLeg, preferBest, reopen } from './resume.ts'
import { readOffer, receiveFile } from './server.ts'
import { createTransfers, isActive, reasonOf, type Transfers } from './transfers.ts'
import { type Offer, safeType } from './wire.ts'

export interface FilesOptions {
  readonly files: FileStore
  readonly records: RecordStore
  /** A fresh SHA-256 for what is sent; what is received is hashed by the store. */
  readonly sha256: () => IncrementalHash
  /** Ids of transfers, [a-z0-9-]. Default crypto.randomUUID. */
  readonly newId?: () => string
}

/** What a live transfer can be told. */
interface Live {
  readonly controller: AbortController
  /** Only while a received offer waits for its answer. */
  readonly decide?: { accept(): void; decline(): void; readonly pending: () => boolean }
}

interface Room extends FilesOptions {
  readonly host: ProtocolHost
  readonly transfers: Transfers
  readonly live: Map<string, Live>
  readonly newId: () => string
  readonly comebacks: Comebacks
  readonly goodbye: Goodbye
  /** What an earlier run left has been read. */
  ready(): Promise<void>
}

// What a browser may show from a blob: URL without running it. Everything else opens as bytes: a page from a peer must not run as ours.
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif)|(?:audio|video)\/[a-z0-9.+-]+|text\/plain)$/

/** Received bytes go to `files`, history to the `transfer` records. */
export function createFiles(options: FilesOptions): Protocol<FilesService> {
  return {
    ids: [PROTOCOL.files],
    may: 'file.offer',
    start(host, signal) {
      const { clock, bus, log } = host
      const transfers = createTransfers({ records: options.records, clock, bus, log })
      const live = new Map<string, Live>()
      const load = async () => {
        // Not awaited: the bytes may lie behind a storage worker that is not there yet.
        for (const id of await transfers.load()) {
          options.files.remove(id).catch((error: unknown) => log('files.remove.failed', { id, code: codeOf(error) }, 'warn'))
        }
      }
      let loaded = false
      const loadOnce = singleFlight(async () => {
        if (!loaded) await load()
        loaded = true
      })
      const ready = () =>
        loadOnce().catch((error: unknown) => {
          // Without its history it still sends and receives.
          loaded = true
          log('files.load.failed', { code: codeOf(error) }, 'warn')
        })
      void ready()
      signal.addEventListener('abort', () => {
        for (const { controller } of live.values())
          controller.abort(new MeshError('PATH_LOST', 'this device left the mesh before the transfer was finished'))
      })
      const [comebacks, goodbye] = [createComebacks(host, signal), createGoodbye(host, signal)]
      const room: Room = { newId: () => crypto.randomUUID(), comebacks, goodbye, ...options, host, transfers, live, ready }
      return { service: createService(room), serve: (stream, uncount) => serve(room, stream, uncount), more: comebacks.mayCome }
    },
  }
}

function createService(room: Room): FilesService {
  const { files, transfers, live } = room
  const find = async (id: string): Promise<TransferInfo> => {
    await room.ready()
    const info = transfers.get(id)
    if (!info) throw new MeshError('BAD_ARGUMENT', `no transfer ${id}`)
    return info
  }
  const waiting = async (id: string) => {
    const info = await find(id)
    const decide = live.get(id)?.decide
    if (!decide?.pending()) throw new MeshError('BAD_ARGUMENT', 'this transfer does not wait for an answer')
    return { info, decide }
  }
  const cancel = (id: string) => live.get(id)?.controller.abort(new MeshError('ABORTED', 'cancelled here'))
  return {
    transfers: () => transfers.list(),
    offer: (peer, source, options) => offer(room, peer, source, options),
    async accept(id) {
      const { info, decide } = await waiting(id)
      const { free } = await files.estimate()
      if (free !== undefined && free < info.size) throw new MeshError('STORAGE_FULL', `${free} bytes are free, the file has ${info.size}`)
      decide.accept()
    },
    async decline(id) {
      const { decide } = await waiting(id)
      decide.decline()
    },
    async cancel(id) {
      await find(id)
      cancel(id)
    },
    async open(id) {
      const { direction, status, size, type } = await find(id)
      if (direction !== 'in' || status !== 'done') throw new MeshError('BAD_ARGUMENT', 'this transfer holds no received file')
      const blob = await files.open(id)
      return blob.slice(0, size, SHOWN.test(type) ? type : 'application/octet-stream')
    },
    async remove(id) {
      const info = await find(id)
      cancel(id)
      if (info.direction === 'in') await files.remove(id)
      await transfers.remove(id)
    },
  }
}

async function offer(
  room: Room,
  peer: string,
  source: Blob & { readonly name?: string; readonly lastModified?: number },
  options: { name?: string; signal?: AbortSignal } = {},
): Promise<string> {
  const { host, transfers, live } = room
  await room.ready()
  throwIfAborted(options.signal)
  if (source.size > MAX_FILE) throw new MeshError('BAD_ARGUMENT', `a file of ${source.size} bytes; the most is ${MAX_FILE}`)
  if (count(room, 'out') >= MAX_ACTIVE) throw new MeshError('LIMIT_REACHED', `${MAX_ACTIVE} transfers are under way`)
  const id = room.newId()
  const mtime = source.lastModified
  const what: Offer = {
    id,
    name: safeName(options.name ?? source.name ?? ''),
    size: source.size,
    type: safeType(source.type),
    ...(mtime !== undefined && Number.isSafeInteger(mtime) && mtime >= 0 ? { mtime } : {}),
  }
  const stream = await host.open(peer, PROTOCOL.files, options.signal ? { signal: options.signal } : {})
  const controller = new AbortController()
  const { signal: cancel } = controller
  const first = openLeg(stream, host.clock, true, cancel)
  try {
    await sendOffer(first.channel, what, options.signal ?? cancel)
  } catch (error) {
    stream.abort(error)
    throw error
  }
  live.set(id, { controller })
  transfers.add(newInfo(room, id, peer, 'out', what))
  // Its acceptance may be what the lost path carried: the receiver knows, and refuses what it did not accept.
  const accepted = () => true
  const legs = createLegs({ first, clock: host.clock, cancel, accepted, next: reopen(host, peer, what, cancel) })
  void run(room, id, legs, cancel, () =>
    sendFile({
      legs,
      source,
      hash: room.sha256(),
      clock: host.clock,
      stop: (why) => controller.abort(why),
      prefer: (leg) => preferBest(host, peer, leg),
      ...reports(transfers, id),
    }),
  ).then(() => {
    // Cancelled while there was no path: the receiver would wait for one.
    if (legs.lost() && codeOf(cancel.reason) === 'ABORTED') void room.goodbye(peer, what, toMeshError(cancel.reason))
  })
  return id
}

async function serve(room: Room, stream: PeerStream, uncount?: () => void): Promise<void> {
  const { host, transfers, live } = room
  const controller = new AbortController()
  const { signal: cancel } = controller
  const first = openLeg(stream, host.clock, false, cancel)
  const id = room.newId()
  live.set(id, { controller })
  let what: Offer
  try {
    const arrived = uncount ? undefined : room.comebacks.come(stream.peer)
    const read = room.ready().then(() => readOffer(first.channel, first.signal))
    what = await read.finally(arrived)
    if (!uncount && !what.resume) throw new MeshError('LIMIT_REACHED', 'one offer more than the policy allows')
    if (what.resume) {
      live.delete(id)
      return await room.comebacks.goOn(stream, what, first, uncount)
    }
    const loser = admit(transfers, stream.peer)
    if (loser) live.get(loser)?.controller.abort(new MeshError('LIMIT_REACHED', 'too many offers wait for an answer'))
  } catch (error) {
    live.delete(id)
    const reason = reasonOf(error, first.signal)
    host.log('files.offer.refused', { peer: stream.peer, code: reason.code })
    return first.channel.fail(reason)
  }
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
  transfers.add(info)
  host.bus.emit('fileoffer', info)
  const accepted = () => transfers.get(id)?.status !== 'offered'
  const legs = createLegs({ first, clock: host.clock, cancel, accepted })
  const remember = room.comebacks.add(stream.peer, what, legs)
  const outcome = await run(room, id, legs, cancel, () =>
    receiveFile({
      legs,
      files: room.files,
      clock: host.clock,
      offer: what,
      id,
      cancel,
      decision: decision.promise,
      ...reports(transfers, id),
      onAccept() {
        host.keep(stream)
        transfers.turn(id, 'running')
      },
    }),
  )
  remember(outcome, !pending)
}

/** From here to the end of a transfer, either direction: its status, its log line, its stream's end. Never rejects. */
async function run({ host, transfers, live }: Room, id: string, legs: Legs, signal: AbortSignal, work: () => Promise<string>): Promise<Outcome> {
  try {
    const sha256 = await work()
    live.delete(id)
    transfers.turn(id, 'done', { sha256, done: transfers.get(id)?.size ?? 0 })
    host.log('files.transfer.done', { id })
    await legs.current().channel.end()
    return { sha256 }
  } catch (error) {
    live.delete(id)
    const reason = reasonOf(error, signal)
    transfers.fail(id, reason)
    host.log('files.transfer.ended', { id, code: reason.code })
    await Promise.all([legs.current().channel.fail(reason), legs.rest()?.channel.fail(reason)])
    return { code: reason.code }
  }
}

function reports(transfers: Transfers, id: string) {
  return {
    onAccept: () => transfers.turn(id, 'running'),
    onProgress: (done: number) => transfers.progress(id, done),
    onVerify: () => transfers.turn(id, 'verifying'),
  }
}

function newInfo(room: Room, id: string, peer: string, direction: 'in' | 'out', { name, size, type }: Offer): TransferInfo {
  return { id, peer, direction, name, size, type, done: 0, rate: 0, status: 'offered', at: room.host.clock.now() }
}

function count(room: Room, direction: 'in' | 'out'): number {
  return room.transfers.list().filter((info) => info.direction === direction && isActive(info)).length
}
