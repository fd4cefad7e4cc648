/** Two file protocols joined by in-memory streams, as two peers would be, with the raw end of a stream for hostile ones. */
import type { MeshEvents, TransferInfo } from '../../../src/core/mesh.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import type { FilesService, ProtocolHost } from '../../../src/core/protocol.ts'
import type { FileStore, RecordStore } from '../../../src/core/stores.ts'
import { createFiles } from '../../../src/protocols/files/protocol.ts'
import { createBus } from '../../../src/shared/bus.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createMemoryFiles, createMemoryRecords } from '../../../src/storage/memory.ts'
import { createNodeSha256 } from '../../../src/storage/sha256.node.ts'
import { createFrameReader, encodeFrame, encodeJsonFrame, type FrameReader } from '../../../src/wire/frame.ts'
import { createStreamPair, type StreamPair } from '../../support/stream-pair.ts'
import { waitUntil } from '../../support/wait.ts'

export interface TestPeer {
  readonly service: FilesService
  readonly files: FileStore
  readonly records: RecordStore
  /** Every transferchange, in order. */
  readonly changes: TransferInfo[]
  readonly offers: TransferInfo[]
  serve(stream: PeerStream, over?: boolean): Promise<void>
  /** What the gate asks before it lets in one more. */
  more(peer: string): boolean
  stop(): void
  /** Where its next streams go. */
  connect(open: () => PeerStream): void
}

export interface TestPeerOptions {
  readonly files?: FileStore
  readonly records?: RecordStore
  readonly clock?: Clock
}

/** A source that exists only while it is read: `block` is asked for every 256 KiB of it, when they are wanted and not before. */
export function readSource(size: number, block: (at: number, length: number) => Uint8Array<ArrayBuffer>): Blob {
  const stream = () => {
    let at = 0
    const pull = (controller: ReadableStreamDefaultController) => {
      if (at === size) return controller.close()
      const bytes = block(at, Math.min(262_144, size - at))
      at += bytes.byteLength
      controller.enqueue(bytes)
    }
    return new ReadableStream({ pull }, { highWaterMark: 0 })
  }
  return { size, type: '', stream } as unknown as Blob
}

const peers = new Set<TestPeer>()

/** For afterEach: a peer that still waits would keep the process alive for its ten minutes. */
export function stopPeers(): void {
  for (const peer of peers) peer.stop()
  peers.clear()
}

export function createTestPeer(options: TestPeerOptions = {}): TestPeer {
  const { files = createMemoryFiles(), records = createMemoryRecords(), clock = systemClock() } = options
  const bus = createBus<MeshEvents>()
  const controller = new AbortController()
  let open: () => PeerStream = () => {
    throw new Error('not connected')
  }
  const host = {
    clock,
    bus,
    log: silentLog(),
    open: async () => open(),
    peers: () => [],
    disconnect: () => undefined,
    keep: () => undefined,
  } as unknown as ProtocolHost
  const { service, serve, more } = createFiles({ files, records, sha256: createNodeSha256 }).start(host, controller.signal)
  const peer: TestPeer = {
    service,
    files,
    records,
    changes: [],
    offers: [],
    serve: (stream, over) => serve(stream, over ? undefined : () => undefined),
    more: (id) => more?.(id) ?? false,
    stop: () => controller.abort(),
    connect: (next) => void (open = next),
  }
  peers.add(peer)
  bus.on('transferchange', (info) => peer.changes.push(info))
  bus.on('fileoffer', (info) => peer.offers.push(info))
  return peer
}

/** `a` offers, `b` serves; `pairs` holds the streams in the order they were opened. */
export function join(a: TestPeer, b: TestPeer, highWaterMark = 65_536, peers?: readonly [string, string]): { readonly pairs: StreamPair[] } {
  const pairs: StreamPair[] = []
  a.connect(() => {
    const pair = createStreamPair({ highWaterMark, ...(peers ? { peers } : {}) })
    pairs.push(pair)
    void b.serve(pair.b)
    return pair.a
  })
  return { pairs }
}

export async function nextOffer(peer: TestPeer, index = 0): Promise<TransferInfo> {
  return waitUntil(() => peer.offers[index], { what: `offer number ${index}` })
}

/** Waits until a transfer of `peer` has ended and gives it. */
export async function ended(peer: TestPeer, id: string): Promise<TransferInfo> {
  return waitUntil(
    () => peer.service.transfers().find((info) => info.id === id && !['offered', 'running', 'verifying', 'waiting', 'paused'].includes(info.status)),
    {
      what: `the end of ${id}`,
      ms: 20_000,
    },
  )
}

/** Waits until a transfer of `peer` is as `status` says and gives it. */
export async function turned(peer: TestPeer, id: string, status: TransferInfo['status']): Promise<TransferInfo> {
  return waitUntil(() => peer.service.transfers().find((info) => info.id === id && info.status === status), {
    what: `${id} to be ${status}`,
    ms: 20_000,
  })
}

/** The raw end of a stream, for peers that do not keep the protocol. */
export interface RawPeer {
  readonly stream: PeerStream
  readonly frames: FrameReader
  json(value: unknown): Promise<void>
  block(bytes: Uint8Array): Promise<void>
  raw(bytes: Uint8Array): Promise<void>
  /** Next frame as JSON. */
  next(): Promise<Record<string, unknown>>
}

export function rawPeer(stream: PeerStream): RawPeer {
  const frames = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  return {
    stream,
    frames,
    json: (value) => writer.write(encodeJsonFrame(value)),
    block: (bytes) => writer.write(encodeFrame(bytes)),
    raw: (bytes) => writer.write(bytes),
    async next() {
      const frame = await frames.read(4096)
      if (!frame) throw new Error('the stream ended')
      return JSON.parse(new TextDecoder().decode(frame)) as Record<string, unknown>
    },
  }
}

/** A raw sender in front of `b`, with a good offer unless told otherwise. */
export function rawSender(b: TestPeer, highWaterMark = 65_536, peer = 'stranger'): RawPeer & { readonly pair: StreamPair } {
  const pair = createStreamPair({ highWaterMark, peers: [peer, 'me'] })
  void b.serve(pair.b)
  return { ...rawPeer(pair.a), pair }
}

export function goodOffer(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { v: 1, kind: 'offer', id: 'abc', name: 'a.bin', size: 10, type: 'application/octet-stream', ...more }
}

/** A store whose third write waits for `release`: a transfer under way that stays so. */
export function pausedFiles(): { files: FileStore; blocked(): boolean; used(): Promise<number | undefined>; release(): void } {
  const memory = createMemoryFiles()
  const gate = Promise.withResolvers<void>()
  let writes = 0
  const files: FileStore = {
    ...memory,
    async create(id, options) {
      const sink = await memory.create(id, options)
      return {
        ...sink,
        async write(chunk) {
          if (++writes > 2) await gate.promise
          await sink.write(chunk)
        },
      }
    },
  }
  return { files, blocked: () => writes > 2, used: async () => (await memory.estimate()).used, release: gate.resolve }
}

/** A clock whose timers fire by hand; `fire` waits for a timer of exactly `ms` and runs the newest of them. */
export function handClock() {
  const system = systemClock()
  const timers = new Map<number, { ms: number; task: () => void }>()
  let next = 0
  const clock = {
    ...system,
    after(ms: number, task: () => void) {
      const id = next++
      timers.set(id, { ms, task })
      return () => void timers.delete(id)
    },
  }
  const fire = async (ms: number) => {
    const [id, timer] = await waitUntil(() => [...timers].findLast(([, found]) => found.ms === ms), { what: `a timer of ${ms} ms` })
    timers.delete(id)
    timer.task()
  }
  return { clock, fire }
}
