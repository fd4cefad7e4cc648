/** The list of transfers: one entry each, replaced and never mutated, kept in records with what a restart needs, told on the bus at most ten times a second. Must stay bounded whatever strangers offer. */
import type { MeshEvents, TransferInfo, TransferStatus } from '../../core/mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import type { Bus } from '../../shared/bus.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { KEEP_MS, MAX_HISTORY, MAX_RECEIVED, MAX_UNACCEPTED, PROGRESS_MS, WAIT_MS } from './limits.ts'
import { createRate, type Rate } from './rate.ts'

/** What is kept beside what is shown. */
export interface Kept {
  /** The sender's id of it, by which it is resumed. */
  readonly remote: string
  /** ms since 1970, as offered. */
  readonly mtime?: number
  /** ms since 1970 when a byte moved last. */
  readonly moved: number
  /** The sender's: SHA-256 of the first `at` bytes that it sent, by which it knows the file again. */
  readonly prefix?: { readonly at: number; readonly sha256: string }
}

export interface Transfers {
  /** Oldest first. */
  list(): readonly TransferInfo[]
  get(id: string): TransferInfo | undefined
  add(info: TransferInfo, kept: Kept): void
  kept(id: string): Kept | undefined
  /** Remember by what the file is known again. */
  check(id: string, prefix: NonNullable<Kept['prefix']>): void
  /** Change the status and whatever comes with it, and forget what came with the one before; told at once and kept. */
  turn(id: string, status: TransferStatus, more?: Partial<TransferInfo>): void
  /** `done` bytes have moved. */
  progress(id: string, done: number): void
  /** Ended without success: cancelled, declined or failed, with the code and what happened. */
  fail(id: string, error: MeshError): void
  /** Forget it. */
  remove(id: string): Promise<void>
  /** True when no more received files fit. */
  full(): boolean
  /** Read what an earlier run left: what was accepted then waits, or stays paused; what was only offered has failed. Gives the ids whose bytes are of no more use. */
  load(): Promise<readonly string[]>
}

interface Entry {
  info: TransferInfo
  kept: Kept
  rate: Rate
  toldAt: number
  keptAt: number
  /** Bytes so far, told or not, since it turned last. */
  seen?: number | undefined
  /** A received offer that was accepted, or one of ours. */
  accepted: boolean
}

const MOVING: ReadonlySet<TransferStatus> = new Set(['offered', 'running', 'verifying'])

export function isActive(info: TransferInfo): boolean {
  return MOVING.has(info.status) || isHeld(info)
}

/** Broken off or paused, and goes on. */
export function isHeld({ status }: TransferInfo): boolean {
  return status === 'waiting' || status === 'paused'
}

/** As it lies in the records. Those of older versions have no `kept`, and cannot be gone on with. */
type Row = TransferInfo & { readonly kept?: Kept }

export interface TransfersOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly bus: Bus<MeshEvents>
  readonly log: Log
}

export function createTransfers({ records, clock, bus, log }: TransfersOptions): Transfers {
  const entries = new Map<string, Entry>()
  const unkept = (id: string) => (error: unknown) => log('files.record.failed', { id, code: codeOf(error) }, 'warn')
  const tell = (entry: Entry) => {
    entry.toldAt = clock.monotonic()
    bus.emit('transferchange', entry.info)
  }
  const keep = (entry: Entry) => {
    const { info, kept } = entry
    entry.keptAt = clock.monotonic()
    records.put('transfer', info.id, { ...info, kept } satisfies Row).catch(unkept(info.id))
  }
  const forget = (id: string): Promise<void> => {
    entries.delete(id)
    return records.delete('transfer', id)
  }
  const trim = () => {
    const ended = [...entries.values()].filter(({ info }) => !isActive(info) && !isReceived(info))
    const unaccepted = ended.filter(({ accepted }) => !accepted)
    const surplus = [
      ...unaccepted.slice(0, Math.max(0, unaccepted.length - MAX_UNACCEPTED)),
      ...ended.slice(0, Math.max(0, ended.length - MAX_HISTORY)),
    ]
    for (const { info } of surplus) forget(info.id).catch(unkept(info.id))
  }
  const change = (id: string, patch: Partial<TransferInfo>): Entry | undefined => {
    const entry = entries.get(id)
    if (entry) entry.info = { ...entry.info, ...patch }
    return entry
  }
  const turn: Transfers['turn'] = (id, status, more = {}) => {
    const entry = entries.get(id)
    if (!entry) return
    const { pausedBy: _by, needs: _needs, problem: _problem, left, rate, ...rest } = entry.info
    const speed = MOVING.has(status) ? { rate, ...(left === undefined ? {} : { left }) } : { rate: 0 }
    // What moved since it was told last counts too: by it a full disk is asked for the rest.
    const moved = entry.seen === undefined ? {} : { done: entry.seen }
    entry.info = { ...rest, ...speed, ...moved, ...more, status }
    entry.seen = undefined
    if (status === 'running') {
      entry.accepted = true
      entry.rate = createRate()
    }
    keep(entry)
    tell(entry)
    if (!isActive(entry.info)) trim()
  }
  const fail: Transfers['fail'] = (id, error) => {
    const status = error.code === 'ABORTED' ? 'cancelled' : error.code === 'DECLINED' ? 'declined' : 'failed'
    turn(id, status, { problem: { code: error.code, message: error.message } })
  }
  const takeUp = ({ id, direction, status, pausedBy, problem }: TransferInfo) => {
    const paused = status === 'paused' ? { ...(pausedBy ? { pausedBy } : {}), ...(problem ? { problem } : {}) } : {}
    turn(id, status === 'paused' ? 'paused' : 'waiting', { ...paused, ...(direction === 'out' ? { needs: 'source' as const } : {}) })
  }
  return {
    list: () => [...entries.values()].map(({ info }) => info),
    get: (id) => entries.get(id)?.info,
    kept: (id) => entries.get(id)?.kept,
    check(id, prefix) {
      const entry = entries.get(id)
      if (!entry) return
      entry.kept = { ...entry.kept, prefix }
      keep(entry)
    },
    add(info, kept) {
      const entry: Entry = { info, kept, rate: createRate(), toldAt: 0, keptAt: 0, accepted: info.direction === 'out' }
      entries.set(info.id, entry)
      keep(entry)
      tell(entry)
    },
    turn,
    progress(id, done) {
      const entry = entries.get(id)
      if (!entry) return
      entry.seen = done
      const now = clock.monotonic()
      if (now - entry.toldAt < PROGRESS_MS && done < entry.info.size) return
      const rate = entry.rate.sample(done, now)
      change(id, { done, rate, left: rate > 0 ? Math.ceil((entry.info.size - done) / rate) : undefined })
      tell(entry)
      if (now - entry.keptAt < KEEP_MS) return
      entry.kept = { ...entry.kept, moved: clock.now() }
      keep(entry)
    },
    fail,
    async remove(id) {
      const entry = entries.get(id)
      await forget(id)
      if (entry) tell(entry)
    },
    full: () => [...entries.values()].filter(({ info }) => isReceived(info)).length >= MAX_RECEIVED,
    async load() {
      const stale: string[] = []
      const rows = await records.list<Row>('transfer', { limit: MAX_RECEIVED + 2 * MAX_HISTORY })
      const sorted = rows.map(([, row]) => row).sort((a, b) => a.at - b.at)
      for (const { kept, ...info } of sorted) {
        if (entries.has(info.id)) continue
        const own = kept ?? { remote: info.id, moved: info.at }
        entries.set(info.id, { info, kept: own, rate: createRate(), toldAt: 0, keptAt: 0, accepted: info.direction === 'out' || info.done > 0 })
        if (!isActive(info)) continue
        if (kept && info.status !== 'offered' && clock.now() - kept.moved < WAIT_MS) takeUp(info)
        else {
          if (info.direction === 'in') stale.push(info.id)
          fail(info.id, new MeshError('PATH_LOST', 'this device stopped before the transfer was finished'))
        }
      }
      return stale
    },
  }
}

/** A received file: its bytes are the person's, so history never drops it. */
function isReceived({ direction, status }: TransferInfo): boolean {
  return direction === 'in' && status === 'done'
}

/** What ended a transfer, as the error to show: our own signal's reason counts before what it caused. */
export function reasonOf(error: unknown, signal: AbortSignal): MeshError {
  return toMeshError(signal.aborted ? signal.reason : error, 'PATH_LOST')
}
