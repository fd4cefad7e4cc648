/** What a place for file bytes must do, and the FileStore built over it: ids, sinks that hash and coalesce, what outlives a failure. Must never trust an id or show a file before it is whole. */
import type { FileSink, FileStore, IncrementalHash } from '../core/stores.ts'
import { createSerial } from '../shared/async.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import { READ_CHUNK, SINK_QUEUE, WRITE_BLOCK } from './limits.ts'

/** One unfinished file that is open for writing. */
export interface PartFile {
  /** Bytes that are there already: whole blocks of WRITE_BLOCK, since a process that died may have left half a write behind them. */
  readonly size: number
  /** What is there, for hashing; read before the first append. */
  bytes(): AsyncIterable<Uint8Array>
  /** Write at the end. The bytes may be reused once it settles. */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void
  /** Flush, close and publish under its id. */
  finish(): Promise<void>
  /** Close and leave the bytes for a later resume, where the platform can. Idempotent. */
  close(): Promise<void>
  /** Close and remove. */
  discard(): Promise<void>
}

/** One finished file that is open for reading. */
export interface ReadFile {
  readonly size: number
  /** `length` bytes from `at`; fewer only at the end. */
  slice(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** A place where file bytes lie. It may throw its own errors; `mapError` turns them into ours. */
export interface FileBackend {
  /** With `keep` after the whole blocks that are there, be they of a part or of a finished file. */
  openPart(id: string, keep: boolean): Promise<PartFile>
  openRead(id: string): Promise<ReadFile | undefined>
  blob(id: string): Promise<Blob | undefined>
  size(id: string): Promise<number | undefined>
  /** Finished and unfinished. */
  remove(id: string): Promise<void>
  estimate(): Promise<{ readonly free?: number; readonly used?: number }>
  mapError(error: unknown): MeshError
  close(): Promise<void>
}

/** Bytes of a part with `size` that are gone on with. */
export function wholeBlocks(size: number): number {
  return size - (size % WRITE_BLOCK)
}

const ID = /^[a-z0-9-]{1,64}$/

/** A FileStore over `backend`. */
export function createFileStore(backend: FileBackend, createHash: () => IncrementalHash): FileStore {
  const sinks = new Map<string, FileSink>()
  let closed = false
  const guard = async <T>(id: string | undefined, work: () => Promise<T>): Promise<T> => {
    if (closed) throw new MeshError('CLOSED', 'the file store was closed')
    if (id !== undefined && !ID.test(id)) throw new MeshError('BAD_ARGUMENT', 'a file id is 1 to 64 of a-z, 0-9 and -')
    try {
      return await work()
    } catch (error) {
      throw error instanceof MeshError ? error : backend.mapError(error)
    }
  }
  const missing = (id: string) => new MeshError('BAD_ARGUMENT', `no file ${id}`)
  return {
    create: (id, { resume = false } = {}) =>
      guard(id, async () => {
        await sinks.get(id)?.release()
        const part = await backend.openPart(id, resume)
        const hash = createHash()
        for await (const chunk of part.bytes()) hash.update(chunk)
        const sink = createSink(part, hash, backend.mapError, () => {
          if (sinks.get(id) === sink) sinks.delete(id)
        })
        sinks.set(id, sink)
        return sink
      }),
    read: (id, offset = 0) =>
      pullFile(offset, () =>
        guard(id, async () => {
          const file = await backend.openRead(id)
          if (!file) throw missing(id)
          return file
        }),
      ),
    open: (id) =>
      guard(id, async () => {
        const blob = await backend.blob(id)
        if (!blob) throw missing(id)
        return blob
      }),
    size: (id) => guard(id, () => backend.size(id)),
    remove: (id) =>
      guard(id, async () => {
        await sinks.get(id)?.discard()
        await backend.remove(id)
      }),
    estimate: () => guard(undefined, () => backend.estimate()),
    async close() {
      if (closed) return
      closed = true
      for (const sink of [...sinks.values()]) await sink.release()
      await backend.close()
    },
  }
}

/** A sink over one part: serial, hashing, coalescing to WRITE_BLOCK. The first failure closes the part and is what every later call gets; its bytes stay until they are discarded. */
function createSink(part: PartFile, hash: IncrementalHash, mapError: (error: unknown) => MeshError, onEnd: () => void): FileSink {
  const serial = createSerial(SINK_QUEUE)
  let size = part.size
  let buffer: Uint8Array<ArrayBuffer> | undefined
  let filled = 0
  let ended: MeshError | undefined
  const end = (why: MeshError) => {
    ended ??= why
    onEnd()
  }
  const append = async (bytes: Uint8Array<ArrayBuffer>) => {
    hash.update(bytes)
    await part.append(bytes)
    size += bytes.byteLength
  }
  const flush = async () => {
    if (!buffer || filled === 0) return
    const bytes = buffer.subarray(0, filled)
    filled = 0
    await append(bytes)
  }
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    if (ended) throw ended
    try {
      return await work()
    } catch (error) {
      const own = error instanceof MeshError ? error : mapError(error)
      end(own)
      closed = true
      await part.close().catch(() => undefined)
      throw own
    }
  }
  let over = false // nothing is left to be closed or discarded
  let closed = false // by a failure
  const stop = (why: string, work: () => Promise<void>) =>
    serial(async () => {
      if (over) return
      over = true
      end(new MeshError('CLOSED', why))
      await work()
    })
  return {
    offset: part.size,
    ...(part.size > 0 ? { prefix: hash.peek() } : {}),
    write: (chunk) =>
      serial(() =>
        attempt(async () => {
          if (chunk.byteLength >= WRITE_BLOCK) {
            await flush()
            return append(chunk)
          }
          for (let at = 0; at < chunk.byteLength; ) {
            buffer ??= new Uint8Array(WRITE_BLOCK)
            const count = Math.min(WRITE_BLOCK - filled, chunk.byteLength - at)
            buffer.set(chunk.subarray(at, at + count), filled)
            filled += count
            at += count
            if (filled === WRITE_BLOCK) await flush()
          }
        }),
      ),
    finish: () =>
      serial(() =>
        attempt(async () => {
          await flush()
          await part.finish()
          over = true
          end(new MeshError('CLOSED', 'the file is finished'))
          return { size, sha256: hash.digest() }
        }),
      ),
    discard: () => stop('the file was discarded', () => part.discard()),
    release: () =>
      stop('the file was opened again or its store closed', async () => {
        if (closed) return
        // What does not fit any more is sent again.
        await flush().catch(() => undefined)
        await part.close()
      }),
  }
}

function pullFile(offset: number, open: () => Promise<ReadFile>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let file: ReadFile | undefined
  let at = offset
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          if (!Number.isSafeInteger(offset) || offset < 0) throw new MeshError('BAD_ARGUMENT', `offset ${offset}`)
          file ??= await open()
          const chunk = at < file.size ? await file.slice(at, Math.min(READ_CHUNK, file.size - at)) : undefined
          if (chunk && chunk.byteLength > 0) {
            at += chunk.byteLength
            controller.enqueue(chunk)
            return
          }
          await file.close()
          controller.close()
        } catch (error) {
          await file?.close().catch(() => undefined)
          controller.error(toMeshError(error, 'STORAGE_FAILED'))
        }
      },
      cancel: () => file?.close(),
    },
    { highWaterMark: 0 },
  )
}
