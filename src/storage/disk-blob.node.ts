/** Blobs of what lies on the disk, of any size: those of Node.js itself (openAsBlob) have a size of 32 bits, so 5 GiB look like 1. Must give no bytes of a file that changed after it was opened. */
import { open, stat } from 'node:fs/promises'
import { MeshError } from '../shared/errors.ts'
import { READ_CHUNK } from './limits.ts'

interface Part {
  readonly size: number
  /** Bytes from `from` up to `to`. */
  read(from: number, to: number): AsyncIterable<Uint8Array<ArrayBuffer>>
}

/** The file as it is now. Reading fails once it changed. Rejects as stat does. */
export async function openDiskBlob(path: string, type = ''): Promise<Blob> {
  const { size, mtimeMs } = await stat(path)
  return new PartsBlob([{ size, read: (from, to) => readFile(path, from, to, mtimeMs) }], type)
}

/** One after the other, read when it is. */
export function joinBlobs(parts: readonly (Blob | Uint8Array<ArrayBuffer>)[], type: string): Blob {
  return new PartsBlob(
    parts.map((part) => (part instanceof Uint8Array ? bytesPart(part) : blobPart(part))),
    type,
  )
}

function bytesPart(bytes: Uint8Array<ArrayBuffer>): Part {
  return {
    size: bytes.byteLength,
    async *read(from, to) {
      yield bytes.slice(from, to)
    },
  }
}

function blobPart(blob: Blob): Part {
  return { size: blob.size, read: (from, to) => blob.slice(from, to).stream() as unknown as AsyncIterable<Uint8Array<ArrayBuffer>> }
}

async function* readFile(path: string, from: number, to: number, mtime: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r')
  try {
    for (let at = from; at < to; ) {
      const bytes = new Uint8Array(Math.min(READ_CHUNK, to - at))
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, at)
      if (bytesRead === 0 || (await handle.stat()).mtimeMs !== mtime) throw new MeshError('SOURCE_CHANGED', 'the file changed while it was read')
      at += bytesRead
      yield bytes.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** `part`, which begins at `at`, without what lies outside of `start` and `end`. */
function cut(part: Part, at: number, start: number, end: number): Part | undefined {
  const [from, to] = [Math.max(0, start - at), Math.min(part.size, end - at)]
  if (from >= to) return undefined
  return { size: to - from, read: (low, high) => part.read(from + low, from + high) }
}

class PartsBlob extends Blob {
  readonly #parts: readonly Part[]
  readonly #size: number
  readonly #type: string

  constructor(parts: readonly Part[], type: string) {
    super()
    this.#parts = parts
    this.#size = parts.reduce((sum, part) => sum + part.size, 0)
    this.#type = type
  }

  override get size(): number {
    return this.#size
  }

  override get type(): string {
    return this.#type
  }

  override slice(start = 0, end = this.#size, type = ''): Blob {
    const place = (value: number) => Math.min(this.#size, value < 0 ? Math.max(0, this.#size + value) : value)
    const [from, to] = [place(start), place(end)]
    let at = 0
    const parts: Part[] = []
    for (const part of this.#parts) {
      const kept = cut(part, at, from, to)
      if (kept) parts.push(kept)
      at += part.size
    }
    return new PartsBlob(parts, type)
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const parts = this.#parts
    const chunks = (async function* () {
      for (const part of parts) yield* part.read(0, part.size)
    })()
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const { done, value } = await chunks.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: async () => void (await chunks.return(undefined)),
      },
      { highWaterMark: 0 },
    )
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Response(this.stream()).arrayBuffer()
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer())
  }
}
