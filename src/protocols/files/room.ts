/** What the parts of the file protocol share while it runs. */
import type { TransferInfo } from '../../core/mesh.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import type { FileStore, IncrementalHash, RecordStore } from '../../core/stores.ts'
import type { Source } from './client.ts'
import type { Comebacks } from './comebacks.ts'
import type { Goodbye } from './farewell.ts'
import { isActive, type Transfers } from './transfers.ts'
import type { Offer } from './wire.ts'

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

export interface Room extends FilesOptions {
  readonly host: ProtocolHost
  /** Fires when this peer leaves. */
  readonly signal: AbortSignal
  readonly transfers: Transfers
  readonly live: Map<string, Live>
  /** Files that this process can read, of what it sends or has paused: never more than there are transfers. */
  readonly sources: Map<string, Source>
  readonly newId: () => string
  readonly comebacks: Comebacks
  readonly goodbye: Goodbye
  readonly wakes: Wakes
  /** What an earlier run left has been read. */
  ready(): Promise<void>
}

export interface Wakes {
  wake(id: string): void
  /** Until somebody wakes it or its peer is seen; rejects with the signal alone. */
  wait(id: string, peer: string, signal: AbortSignal): Promise<void>
}

export function createWakes({ bus }: ProtocolHost): Wakes {
  const sleepers = new Map<string, () => void>()
  return {
    wake: (id) => sleepers.get(id)?.(),
    wait(id, peer, signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      sleepers.set(id, resolve)
      bus.on('peerchange', (info) => info.id === peer && info.path !== 'away' && resolve(), { signal })
      signal.addEventListener('abort', () => sleepers.get(id) === resolve && sleepers.delete(id))
      return promise
    },
  }
}

export function newInfo(room: Room, id: string, peer: string, direction: 'in' | 'out', { name, size, type }: Offer): TransferInfo {
  return { id, peer, direction, name, size, type, done: 0, rate: 0, status: 'offered', at: room.host.clock.now() }
}

/** The offer of a transfer of ours, as it is made again. */
export function offerOf(room: Room, { id, name, size, type }: TransferInfo): Offer {
  const mtime = room.transfers.kept(id)?.mtime
  return { id, name, size, type, ...(mtime === undefined ? {} : { mtime }) }
}

export function count(room: Room, direction: 'in' | 'out'): number {
  return room.transfers.list().filter((info) => info.direction === direction && isActive(info)).length
}
