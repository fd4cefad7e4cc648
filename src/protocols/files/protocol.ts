/** The file protocol's door: offers and transfers both ways behind FilesService (core/protocol.ts). No content moves before the receiver accepts. */
import type { TransferInfo } from '../../core/mesh.ts'
import type { FilesService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import { singleFlight } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { createComebacks } from './comebacks.ts'
import { createGoodbye } from './farewell.ts'
import { resumeReceiving, serve, watchSpace } from './receiving.ts'
import { createWakes, type FilesOptions, offerOf, type Room } from './room.ts'
import { offer, resumeSending } from './sending.ts'
import { createTransfers, isActive, isHeld, type Transfers } from './transfers.ts'

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
      const held = (peer: string) => transfers.list().filter((info) => info.direction === 'in' && info.peer === peer && isHeld(info)).length
      const room: Room = {
        newId: () => crypto.randomUUID(),
        ...options,
        host,
        signal,
        transfers,
        live: new Map(),
        sources: new Map(),
        comebacks: createComebacks(host, signal, held),
        goodbye: createGoodbye(host, signal),
        wakes: createWakes(host),
        ready: loadOnce(options, host, transfers),
      }
      void room.ready().then(() => watchSpace(room))
      signal.addEventListener('abort', () => {
        for (const { controller } of room.live.values())
          controller.abort(new MeshError('PATH_LOST', 'this device left the mesh before the transfer was finished'))
      })
      return { service: createService(room), serve: (stream, uncount) => serve(room, stream, uncount), more: room.comebacks.mayCome }
    },
  }
}

function loadOnce({ files }: FilesOptions, { log }: ProtocolHost, transfers: Transfers): () => Promise<void> {
  let loaded = false
  const load = singleFlight(async () => {
    if (loaded) return
    // Not awaited: the bytes may lie behind a storage worker that is not there yet.
    for (const id of await transfers.load())
      files.remove(id).catch((error: unknown) => log('files.remove.failed', { id, code: codeOf(error) }, 'warn'))
    loaded = true
  })
  return () =>
    load().catch((error: unknown) => {
      // Without its history it still sends and receives.
      loaded = true
      log('files.load.failed', { code: codeOf(error) }, 'warn')
    })
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
    cancel: async (id) => cancel(room, await find(id)),
    async pause(id) {
      const { status, direction } = await find(id)
      if (status !== 'running' && status !== 'waiting' && status !== 'paused') throw new MeshError('BAD_ARGUMENT', 'this transfer does not move')
      const paused = new MeshError('PAUSED', 'paused here')
      if (live.has(id)) live.get(id)?.controller.abort(paused)
      else transfers.turn(id, 'paused', { pausedBy: 'me', ...(direction === 'out' && !room.sources.has(id) ? { needs: 'source' } : {}) })
    },
    async resume(id, source) {
      const info = await find(id)
      if (info.direction === 'out') await resumeSending(room, info, source)
      else resumeReceiving(room, info)
    },
    async open(id) {
      const { direction, status, size, type } = await find(id)
      if (direction !== 'in' || status !== 'done') throw new MeshError('BAD_ARGUMENT', 'this transfer holds no received file')
      const blob = await files.open(id)
      return blob.slice(0, size, SHOWN.test(type) ? type : 'application/octet-stream')
    },
    async remove(id) {
      const info = await find(id)
      cancel(room, info)
      if (info.direction === 'in') await files.remove(id)
      await transfers.remove(id)
    },
  }
}

/** Whether it moves or is held: the other side hears of it now, or when it asks. */
function cancel(room: Room, info: TransferInfo): void {
  const { live, transfers, files, host, sources } = room
  const { id, direction, peer } = info
  const why = new MeshError('ABORTED', 'cancelled here')
  const running = live.get(id)
  if (running) return running.controller.abort(why)
  if (!isActive(info)) return
  sources.delete(id)
  transfers.fail(id, why)
  if (direction === 'out') void room.goodbye(peer, offerOf(room, info), why)
  else files.remove(id).catch((error: unknown) => host.log('files.remove.failed', { id, code: codeOf(error) }, 'warn'))
}
